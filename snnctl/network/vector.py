"""The inner loops of the decision kernel as LLVM vector code; the only file that knows about it.

``sum_rows`` keeps a strip of up to 128 sums in registers while it adds the rows of the spiking sources, in the
order of ``events``: every sum is a chain of plain float32 additions, so the bits are those of the plain loop.
LLVM splits the vectors of 16 lanes on machines with narrower ones. Without the compiler (``NUMBA_DISABLE_JIT=1``)
the plain form below each of them runs instead.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from llvmlite import ir
from llvmlite.binding import llvm_version_info
from numba import types
from numba.core import cgutils
from numba.core.registry import cpu_target
from numba.extending import intrinsic, overload

# numba's own stubs and decorators are not typed
alloca_once: Any = cgutils.alloca_once
add_global_variable: Any = cgutils.add_global_variable
declare_function: Any = cgutils.get_or_insert_function

LANES = 16  # of one vector; 64 bytes of float32
STRIP = 128  # widest strip: 8 vector registers
ALIGNMENT = 64  # bytes


def sum_rows(
    weights: Any, base: Any, width: Any, events: Any, first: Any, count: Any, out: Any, target: Any, more: Any
) -> None:
    """Sum ``count`` rows of a strip: out[target + j] = sum over e of weights[base + events[first + e] width + j].

    Args:
        weights: float32, starting on a boundary of 64 bytes; strips are row-major
        base: index of the strip's first weight, a multiple of 16
        width: of the strip: 16, 32, 64 or 128
        events: int32 row numbers
        first: index of the first row number
        count: how many
        out: float32, starting on a boundary of 64 bytes
        target: index of the first sum, a multiple of 16
        more: whether the rows are added to what ``out`` holds, in place of 0
    """
    sums = out[target : target + width]
    if not more:
        sums[:] = 0
    for e in range(first, first + count):
        start = base + events[e] * width
        sums += weights[start : start + width]


def _sum_rows_codegen(vectors: int) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        weights, base, events, first, count, out, target, more = args
        lane = ir.VectorType(ir.FloatType(), LANES)
        pointer = lane.as_pointer()

        def data(position: int, value: Any) -> Any:
            return context.make_array(signature.args[position])(context, builder, value).data

        weight_data, event_data, out_data = data(0, weights), data(2, events), data(5, out)
        strip = builder.gep(weight_data, [base])
        row_numbers = builder.gep(event_data, [first])
        sums = [alloca_once(builder, lane) for _ in range(vectors)]
        places = [
            builder.bitcast(builder.gep(out_data, [builder.add(target, base.type(v * LANES))]), pointer)
            for v in range(vectors)
        ]
        with builder.if_else(more) as (then, otherwise):
            with then:
                for one, place in zip(sums, places, strict=True):
                    held = builder.load(place)
                    held.align = ALIGNMENT
                    builder.store(held, one)
            with otherwise:
                for one in sums:
                    builder.store(ir.Constant(lane, [0.0] * LANES), one)
        with cgutils.for_range(builder, count) as loop:
            number = builder.sext(builder.load(builder.gep(row_numbers, [loop.index])), base.type)
            row = builder.gep(strip, [builder.mul(number, base.type(vectors * LANES))])
            for v, one in enumerate(sums):
                part = builder.bitcast(builder.gep(row, [base.type(v * LANES)]), pointer)
                loaded = builder.load(part)
                loaded.align = ALIGNMENT
                builder.store(builder.fadd(builder.load(one), loaded), one)
        for one, place in zip(sums, places, strict=True):
            stored = builder.store(builder.load(one), place)
            stored.align = ALIGNMENT
        return context.get_dummy_value()

    return codegen


def _make_sum(codegen: Any) -> Any:
    @intrinsic
    def sum_strip(
        typingctx: Any, weights: Any, base: Any, events: Any, first: Any, count: Any, out: Any, target: Any, more: Any
    ) -> Any:
        signature = types.void(weights, types.int64, events, types.int64, types.int64, out, types.int64, types.boolean)
        return signature, codegen

    return sum_strip


def _overload_by_width(plain: Any, codegen: Any) -> None:
    """Compile ``plain``, a sum of rows, as the vector code of each width."""
    of_128, of_64, of_32, of_16 = (_make_sum(codegen(vectors)) for vectors in (8, 4, 2, 1))

    @overload(plain)
    def typed(
        weights: Any, base: Any, width: Any, events: Any, first: Any, count: Any, out: Any, target: Any, more: Any
    ) -> Any:
        def implementation(
            weights: Any, base: Any, width: Any, events: Any, first: Any, count: Any, out: Any, target: Any, more: Any
        ) -> None:
            if width == 128:
                of_128(weights, base, events, first, count, out, target, more)
            elif width == 64:
                of_64(weights, base, events, first, count, out, target, more)
            elif width == 32:
                of_32(weights, base, events, first, count, out, target, more)
            else:
                of_16(weights, base, events, first, count, out, target, more)

        return implementation


_overload_by_width(sum_rows, _sum_rows_codegen)


def sum_rows_int8(
    weights: Any, base: Any, width: Any, events: Any, first: Any, count: Any, out: Any, target: Any, more: Any
) -> None:
    """:func:`sum_rows` of integers of 8 bits, which lie in the bytes of ``weights``; exact below 2^24.

    Args:
        weights: float32 whose bytes are the integers, starting on a boundary of 64 bytes; strips are row-major
        base: index of the strip's first integer, a multiple of 16
        width: of the strip: 16, 32, 64 or 128
        events: int32 row numbers
        first: index of the first row number
        count: how many, at most 256: sums are kept in 16 bits
        out: float32, starting on a boundary of 64 bytes
        target: index of the first sum, a multiple of 16
        more: whether the rows are added to what ``out`` holds, in place of 0
    """
    integers = weights.view(np.int8)
    sums = out[target : target + width]
    if not more:
        sums[:] = 0
    for e in range(first, first + count):
        start = base + events[e] * width
        sums += integers[start : start + width]


def _sum_int8_codegen(vectors: int) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        weights, base, events, first, count, out, target, more = args
        byte, short, lane = (ir.VectorType(kind, LANES) for kind in (ir.IntType(8), ir.IntType(16), ir.FloatType()))

        def data(position: int, value: Any) -> Any:
            return context.make_array(signature.args[position])(context, builder, value).data

        strip = builder.gep(builder.bitcast(data(0, weights), ir.IntType(8).as_pointer()), [base])
        row_numbers = builder.gep(data(2, events), [first])
        sums = [alloca_once(builder, short) for _ in range(vectors)]
        for one in sums:
            builder.store(ir.Constant(short, [0] * LANES), one)
        with cgutils.for_range(builder, count) as loop:
            number = builder.sext(builder.load(builder.gep(row_numbers, [loop.index])), base.type)
            row = builder.gep(strip, [builder.mul(number, base.type(vectors * LANES))])
            for v, one in enumerate(sums):
                loaded = builder.load(builder.bitcast(builder.gep(row, [base.type(v * LANES)]), byte.as_pointer()))
                loaded.align = LANES
                builder.store(builder.add(builder.load(one), builder.sext(loaded, short)), one)
        for v, one in enumerate(sums):
            place = builder.gep(data(5, out), [builder.add(target, base.type(v * LANES))])
            place = builder.bitcast(place, lane.as_pointer())
            held = builder.load(place)
            held.align = ALIGNMENT
            kept = builder.select(more, held, ir.Constant(lane, [0.0] * LANES))
            stored = builder.store(builder.fadd(kept, builder.sitofp(builder.load(one), lane)), place)
            stored.align = ALIGNMENT
        return context.get_dummy_value()

    return codegen


_overload_by_width(sum_rows_int8, _sum_int8_codegen)


def add_rows(
    words: Any, base: Any, width: Any, events: Any, first: Any, count: Any, out: Any, target: Any, more: Any
) -> None:
    """:func:`sum_rows` of integers of 8 or 16 bits, which are summed in 16; exact where these hold every sum.

    Args:
        words: int8, int16 or uint16; strips are row-major
        base: index of the strip's first word
        width: of the strip: 16, 32, 64 or 128
        events: int32 row numbers
        first: index of the first row number
        count: how many
        out: int16 or uint16
        target: index of the first sum
        more: whether the rows are added to what ``out`` holds, in place of 0
    """
    sums = out[target : target + width]
    if not more:
        sums[:] = 0
    for e in range(first, first + count):
        start = base + events[e] * width
        sums += words[start : start + width]


def _add_rows_codegen(vectors: int) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        words, base, events, first, count, out, target, more = args
        narrow = signature.args[0].dtype.bitwidth == 8
        short = ir.VectorType(ir.IntType(16), LANES)
        loaded_type = ir.VectorType(ir.IntType(8), LANES) if narrow else short

        def data(position: int, value: Any) -> Any:
            return context.make_array(signature.args[position])(context, builder, value).data

        def load(pointer: Any, kind: Any, alignment: int) -> Any:
            loaded = builder.load(builder.bitcast(pointer, kind.as_pointer()))
            loaded.align = alignment
            return loaded

        strip = builder.gep(data(0, words), [base])
        row_numbers = builder.gep(data(2, events), [first])
        places = [builder.gep(data(5, out), [builder.add(target, base.type(v * LANES))]) for v in range(vectors)]
        sums = [alloca_once(builder, short) for _ in range(vectors)]
        for one, place in zip(sums, places, strict=True):
            held = load(place, short, 2)
            builder.store(builder.select(more, held, ir.Constant(short, [0] * LANES)), one)
        with cgutils.for_range(builder, count) as loop:
            number = builder.sext(builder.load(builder.gep(row_numbers, [loop.index])), base.type)
            row = builder.gep(strip, [builder.mul(number, base.type(vectors * LANES))])
            for v, one in enumerate(sums):
                part = load(builder.gep(row, [base.type(v * LANES)]), loaded_type, 1 if narrow else 2)
                builder.store(builder.add(builder.load(one), builder.sext(part, short) if narrow else part), one)
        for one, place in zip(sums, places, strict=True):
            stored = builder.store(builder.load(one), builder.bitcast(place, short.as_pointer()))
            stored.align = 2
        return context.get_dummy_value()

    return codegen


_overload_by_width(add_rows, _add_rows_codegen)


def list_spikes(spikes: Any, first: Any, size: Any, events: Any, start: Any) -> Any:
    """Write the positions j < size where spikes[first + j] is 1 to ``events`` from ``start``; return how many.

    Args:
        spikes: uint8 of 0 and 1
        first: index of the first spike
        size: how many are looked at, a multiple of 16
        events: int32, with room for ``size`` + 16 from ``start``
        start: where the list begins
    """
    count = 0
    for j in range(size):
        events[start + count] = j
        count += int(spikes[first + j])
    return count


@intrinsic
def _by_compress(typingctx: Any, spikes: Any, first: Any, size: Any, events: Any, start: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        spike_array, first, size, event_array, start = args
        bytes_type, numbers = ir.VectorType(ir.IntType(8), LANES), ir.VectorType(ir.IntType(32), LANES)
        mask_type, word = ir.VectorType(ir.IntType(1), LANES), ir.IntType(LANES)
        compress = declare_function(
            builder.module,
            ir.FunctionType(numbers, [numbers, mask_type, numbers]),
            "llvm.experimental.vector.compress.v16i32",
        )
        spike_data = builder.gep(context.make_array(signature.args[0])(context, builder, spike_array).data, [first])
        event_data = builder.gep(context.make_array(signature.args[3])(context, builder, event_array).data, [start])
        count = alloca_once(builder, size.type)
        builder.store(size.type(0), count)
        position = alloca_once(builder, numbers)
        builder.store(ir.Constant(numbers, list(range(LANES))), position)
        with cgutils.for_range(builder, builder.sdiv(size, size.type(LANES))) as loop:
            place = builder.gep(spike_data, [builder.mul(loop.index, size.type(LANES))])
            loaded = builder.load(builder.bitcast(place, bytes_type.as_pointer()))
            loaded.align = 1
            mask = builder.icmp_unsigned("!=", loaded, ir.Constant(bytes_type, [0] * LANES))
            lanes = builder.load(position)
            found = builder.call(compress, [lanes, mask, lanes])
            end = builder.gep(event_data, [builder.load(count)])
            stored = builder.store(found, builder.bitcast(end, numbers.as_pointer()))
            stored.align = 4
            new = builder.zext(builder.ctpop(builder.bitcast(mask, word)), size.type)
            builder.store(builder.add(builder.load(count), new), count)
            builder.store(builder.add(lanes, ir.Constant(numbers, [LANES] * LANES)), position)
        return builder.load(count)

    return types.int64(spikes, types.int64, types.int64, events, types.int64), codegen


@intrinsic
def _by_table(typingctx: Any, spikes: Any, first: Any, size: Any, events: Any, start: Any) -> Any:
    def codegen(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        spike_array, first, size, event_array, start = args
        byte, number = ir.IntType(8), ir.IntType(32)
        bytes_type, eight = ir.VectorType(byte, LANES), ir.VectorType(byte, 8)
        numbers = ir.VectorType(number, 8)
        spike_data = builder.gep(context.make_array(signature.args[0])(context, builder, spike_array).data, [first])
        event_data = builder.gep(context.make_array(signature.args[3])(context, builder, event_array).data, [start])
        rows = ir.ArrayType(eight, 256)
        table = add_global_variable(builder.module, rows, ".positions_of_bits")
        table.linkage, table.global_constant = "internal", True
        table.initializer = ir.Constant(rows, [ir.Constant(eight, list(row)) for row in _positions_of_bits()])
        count = alloca_once(builder, size.type)
        builder.store(size.type(0), count)
        with cgutils.for_range(builder, builder.sdiv(size, size.type(LANES))) as loop:
            base = builder.mul(loop.index, size.type(LANES))
            loaded = builder.load(builder.bitcast(builder.gep(spike_data, [base]), bytes_type.as_pointer()))
            loaded.align = 1
            mask = builder.icmp_unsigned("!=", loaded, ir.Constant(bytes_type, [0] * LANES))
            word = builder.bitcast(mask, ir.IntType(LANES))
            for half in range(2):
                part = builder.trunc(builder.lshr(word, word.type(8 * half)), byte)
                place = builder.gep(table, [number(0), builder.zext(part, number)])
                offset = builder.trunc(builder.add(base, size.type(8 * half)), number)
                found = builder.add(builder.zext(builder.load(place), numbers), _splat(builder, offset, numbers))
                end = builder.gep(event_data, [builder.load(count)])
                stored = builder.store(found, builder.bitcast(end, numbers.as_pointer()))
                stored.align = 4
                new = builder.zext(builder.ctpop(part), size.type)
                builder.store(builder.add(builder.load(count), new), count)
        return builder.load(count)

    return types.int64(spikes, types.int64, types.int64, events, types.int64), codegen


def _splat(builder: Any, value: Any, kind: Any) -> Any:
    one = builder.insert_element(ir.Constant(kind, ir.Undefined), value, ir.IntType(32)(0))
    return builder.shuffle_vector(one, ir.Constant(kind, ir.Undefined), ir.Constant(kind, [0] * kind.count))


def _positions_of_bits() -> list[list[int]]:
    """For each byte the positions of its ones, ascending, then zeros.  # (256, 8)"""
    ones = [[j for j in range(8) if byte >> j & 1] for byte in range(256)]
    return [row + [0] * (8 - len(row)) for row in ones]


def _has_compress(context: Any) -> bool:
    """Whether the processor that is compiled for compresses vectors in one instruction, and the compiler knows it."""
    return llvm_version_info[0] >= 19 and "+avx512f" in context.codegen().magic_tuple()[2]


compress_spikes: Any = _by_compress
table_spikes: Any = _by_table


@overload(list_spikes)
def _list_spikes(spikes: Any, first: Any, size: Any, events: Any, start: Any) -> Any:
    def by_compress(spikes: Any, first: Any, size: Any, events: Any, start: Any) -> Any:
        return compress_spikes(spikes, first, size, events, start)

    def by_table(spikes: Any, first: Any, size: Any, events: Any, start: Any) -> Any:
        return table_spikes(spikes, first, size, events, start)

    return by_compress if _has_compress(cpu_target.target_context) else by_table


def aligned(size: int) -> Any:
    """Zeros, float32, starting on a boundary of 64 bytes (numpy promises only 16).  # (size,)"""
    raw = np.zeros(4 * size + ALIGNMENT, np.uint8)
    skip = -raw.ctypes.data % ALIGNMENT
    return raw[skip : skip + 4 * size].view(np.float32)
