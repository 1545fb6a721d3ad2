"""Measures of spike trains, one file each: irregularity, counts, distances and similarities.

A train is an increasing array of spike times in milliseconds, the first at 0 or later (:mod:`train`); ``t_end_ms``
is the length of the recording, which starts at 0. What is said of one train is in :mod:`irregularity` and
:mod:`counts`; pairs are compared by :mod:`isi_distance`, :mod:`spike_distance`, :mod:`spike_synchronization`,
:mod:`van_rossum`, :mod:`victor_purpura` and :mod:`schreiber`, and every pair of many trains by :mod:`pairwise`.
"""
