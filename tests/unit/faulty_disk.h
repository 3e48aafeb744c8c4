/* SPDX-License-Identifier: Apache-2.0
 * A disk that fails on command: a SQLite VFS that stands in front of the machine's own and is the default while a test
 * runs. What it is told holds for every file; any thread may tell it. */
#ifndef BELFRY_TESTS_FAULTY_DISK_H
#define BELFRY_TESTS_FAULTY_DISK_H

#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "station/base/must.h"

struct faulty_disk {
	sqlite3_vfs vfs, *real;
	sqlite3_io_methods methods;
	atomic_int sync_fails;     /* this many syncs fail with SQLITE_IOERR_FSYNC */
	atomic_int write_code;     /* SQLITE_FULL, SQLITE_IOERR_WRITE: every write fails so; 0: none */
	atomic_bool database_only; /* sync_fails holds for station.db, not for its log */
	atomic_int syncs;          /* how many there were */
	atomic_bool stop_syncs;    /* the next sync posts `stopped` and waits for `go_on` */
	sem_t stopped, go_on;
};
struct faulty_file {
	sqlite3_file base;
	struct faulty_disk *disk;
	bool database;
	sqlite3_file *real; /* behind this struct */
};

#define FAULTY_REAL(file) (((struct faulty_file *)(file))->real)
static inline int faulty_close(sqlite3_file *f)
{
	return FAULTY_REAL(f)->pMethods->xClose(FAULTY_REAL(f));
}
static inline int faulty_read(sqlite3_file *f, void *to, int n, sqlite3_int64 at)
{
	return FAULTY_REAL(f)->pMethods->xRead(FAULTY_REAL(f), to, n, at);
}
static inline int faulty_write(sqlite3_file *f, const void *from, int n, sqlite3_int64 at)
{
	int code = atomic_load(&((struct faulty_file *)f)->disk->write_code);
	return code ? code : FAULTY_REAL(f)->pMethods->xWrite(FAULTY_REAL(f), from, n, at);
}
static inline int faulty_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	return FAULTY_REAL(f)->pMethods->xTruncate(FAULTY_REAL(f), size);
}
static inline int faulty_sync(sqlite3_file *f, int flags)
{
	struct faulty_file *file = (struct faulty_file *)f;
	struct faulty_disk *disk = file->disk;
	atomic_fetch_add(&disk->syncs, 1);
	if (atomic_exchange(&disk->stop_syncs, false)) {
		sem_post(&disk->stopped);
		while (sem_wait(&disk->go_on) != 0)
			;
	}
	if ((file->database || !atomic_load(&disk->database_only)) && atomic_load(&disk->sync_fails) > 0) {
		atomic_fetch_sub(&disk->sync_fails, 1);
		return SQLITE_IOERR_FSYNC;
	}
	return file->real->pMethods->xSync(file->real, flags);
}
static inline int faulty_size(sqlite3_file *f, sqlite3_int64 *size)
{
	return FAULTY_REAL(f)->pMethods->xFileSize(FAULTY_REAL(f), size);
}
static inline int faulty_lock(sqlite3_file *f, int lock)
{
	return FAULTY_REAL(f)->pMethods->xLock(FAULTY_REAL(f), lock);
}
static inline int faulty_unlock(sqlite3_file *f, int lock)
{
	return FAULTY_REAL(f)->pMethods->xUnlock(FAULTY_REAL(f), lock);
}
static inline int faulty_reserved(sqlite3_file *f, int *out)
{
	return FAULTY_REAL(f)->pMethods->xCheckReservedLock(FAULTY_REAL(f), out);
}
static inline int faulty_control(sqlite3_file *f, int op, void *arg)
{
	return FAULTY_REAL(f)->pMethods->xFileControl(FAULTY_REAL(f), op, arg);
}
static inline int faulty_sector(sqlite3_file *f)
{
	return FAULTY_REAL(f)->pMethods->xSectorSize(FAULTY_REAL(f));
}
static inline int faulty_device(sqlite3_file *f)
{
	return FAULTY_REAL(f)->pMethods->xDeviceCharacteristics(FAULTY_REAL(f));
}

static inline int faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out)
{
	struct faulty_disk *disk = vfs->pAppData;
	struct faulty_file *file = (struct faulty_file *)f;
	file->disk = disk;
	file->database = (flags & SQLITE_OPEN_MAIN_DB) != 0;
	file->real = (sqlite3_file *)(file + 1);
	int rc = disk->real->xOpen(disk->real, name, file->real, flags, out);
	file->base.pMethods = file->real->pMethods ? &disk->methods : NULL;
	return rc;
}

/* Becomes the default VFS. No shared memory: an exclusive lock needs none, and the store must not want it. */
static inline void faulty_disk_begin(struct faulty_disk *d)
{
	memset(d, 0, sizeof *d);
	d->real = sqlite3_vfs_find(NULL);
	d->vfs = *d->real;
	d->vfs.zName = "faulty";
	d->vfs.szOsFile = (int)sizeof(struct faulty_file) + d->real->szOsFile;
	d->vfs.pAppData = d;
	d->vfs.xOpen = faulty_open;
	d->methods = (sqlite3_io_methods){ 1,
		                               faulty_close,
		                               faulty_read,
		                               faulty_write,
		                               faulty_truncate,
		                               faulty_sync,
		                               faulty_size,
		                               faulty_lock,
		                               faulty_unlock,
		                               faulty_reserved,
		                               faulty_control,
		                               faulty_sector,
		                               faulty_device,
		                               NULL,
		                               NULL,
		                               NULL,
		                               NULL,
		                               NULL,
		                               NULL };
	must(sem_init(&d->stopped, 0, 0) == 0 && sem_init(&d->go_on, 0, 0) == 0);
	must(sqlite3_vfs_register(&d->vfs, 1) == SQLITE_OK);
}

static inline void faulty_disk_end(struct faulty_disk *d)
{
	must(sqlite3_vfs_unregister(&d->vfs) == SQLITE_OK);
	must(sqlite3_vfs_register(d->real, 1) == SQLITE_OK);
	sem_destroy(&d->stopped);
	sem_destroy(&d->go_on);
}

#endif
