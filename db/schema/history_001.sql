-- SPDX-License-Identifier: Apache-2.0
-- Schema 1 of history.db. Columns are the slots of the record tables in services/history/history_record.c.

CREATE TABLE history (id INTEGER PRIMARY KEY, name TEXT, source TEXT, ext INTEGER, valueKind TEXT, units TEXT, created INTEGER, count INTEGER, last INTEGER) STRICT;
CREATE TABLE sample (history INTEGER, timestamp INTEGER, sequence INTEGER, value REAL, text TEXT, status INTEGER, trendFlags INTEGER, PRIMARY KEY (history, timestamp, sequence)) STRICT, WITHOUT ROWID;
