/* walletd on a disk that is full or cannot be written: at start it says what to do, while running it waits and goes on by
 * itself.  The disk is a small tmpfs in a mount namespace of this program's own; without the right to make one the program
 * is skipped. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/exit_code.h"
#include "tests/support/process.h"
#include "tests/support/suite.h"

#define LIST(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define LONG_MS   20000

static struct process p;

static bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	close(fd);
	return ok;
}

static bool own_mounts(void)
{
	char map[64];
	uid_t uid = geteuid();
	gid_t gid = getegid();

	if (uid != 0 || unshare(CLONE_NEWNS) != 0) {
		if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0)
			return false;
		snprintf(map, sizeof(map), "0 %u 1", (unsigned)uid);
		if (!write_text("/proc/self/uid_map", map) || !write_text("/proc/self/setgroups", "deny"))
			return false;
		snprintf(map, sizeof(map), "0 %u 1", (unsigned)gid);
		if (!write_text("/proc/self/gid_map", map))
			return false;
	}
	return mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
	       mount("tmpfs", "/mnt", "tmpfs", 0, "size=64k") == 0 && umount("/mnt") == 0;
}

static void set_up(void)
{
	process_new(&p);
	ck_assert_int_eq(mkdir(p.data, 0700), 0);
}

static void tear_down(void)
{
	/* The daemon first, or its disk is busy. */
	if (p.pid > 0) {
		process_signal(&p, SIGKILL);
		ck_assert_int_eq(process_wait(&p, LONG_MS), 128 + SIGKILL);
	}
	(void)umount(p.data);
	process_free(&p);
}

static void small_disk(const char *options)
{
	ck_assert_msg(mount("tmpfs", p.data, "tmpfs", 0, options) == 0, "%s", strerror(errno));
}

static const char *filler(void)
{
	static char path[128];

	snprintf(path, sizeof(path), "%s/filler", p.data);
	return path;
}

static void fill_disk(void)
{
	static const char block[4096];
	int fd = open(filler(), O_WRONLY | O_CREAT, 0600);

	ck_assert_int_ge(fd, 0);
	while (write(fd, block, sizeof(block)) > 0)
		;
	ck_assert_int_eq(errno, ENOSPC);
	close(fd);
}

static void assert_has(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "\"%s\" is not in: %s", part, text);
}

START_TEST(test_full_at_first_start)
{
	small_disk("size=64k,mode=0700");
	process_start(&p, NULL, NULL);
	ck_assert_int_eq(process_wait(&p, LONG_MS), EXIT_STORAGE);
	assert_has(process_log(&p), "disk is full");
}
END_TEST

START_TEST(test_no_room_for_the_lock)
{
	small_disk("size=64k,mode=0700");
	fill_disk();
	process_start(&p, NULL, NULL);
	ck_assert_int_eq(process_wait(&p, LONG_MS), EXIT_STORAGE);
	assert_has(process_log(&p), "make room on the disk");
}
END_TEST

START_TEST(test_read_only_at_start)
{
	small_disk("size=4m,mode=0700");
	if (_i) { /* with a wallet already there */
		process_start_ready(&p, NULL, NULL);
		process_signal(&p, SIGTERM);
		ck_assert_int_eq(process_wait(&p, LONG_MS), EXIT_OK);
	}
	ck_assert_msg(mount(NULL, p.data, NULL, MS_REMOUNT | MS_RDONLY, "size=4m,mode=0700") == 0, "%s",
		      strerror(errno));
	process_start(&p, NULL, NULL);
	ck_assert_int_eq(process_wait(&p, LONG_MS), EXIT_STORAGE);
	assert_has(process_log(&p), "Read-only file system");
	assert_has(process_log(&p), "for writing");
}
END_TEST

/* Writing stops, reading does not, and when there is room again nobody has to do anything. */
START_TEST(test_full_while_running)
{
	small_disk("size=4m,mode=0700");
	process_start_ready(&p, LIST("--allow_plaintext_seed=1"), NULL);
	fill_disk();
	assert_has(process_call(&p, "wallet.create", NULL), "\"storage_full\"");
	assert_has(process_call(&p, "status", NULL), "\"full\"");
	assert_has(process_get(&p, "/healthz"), "HTTP/1.1 200");
	assert_has(process_get(&p, "/readyz"), "storage_full");
	ck_assert(process_wait_log(&p, "event=task.failed task=health"));
	ck_assert_int_eq(unlink(filler()), 0);
	ck_assert(process_wait_log(&p, "event=store.recovered"));
	assert_has(process_call(&p, "wallet.create", NULL), "\"result\"");
	process_signal(&p, SIGTERM);
	ck_assert_int_eq(process_wait(&p, LONG_MS), EXIT_OK);
}
END_TEST

int main(void)
{
	Suite *s;
	TCase *t;

	if (!own_mounts()) {
		puts("no right to make a mount namespace");
		return 77;
	}
	s = suite_create("storage");
	t = tcase_create("storage");
	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, test_full_at_first_start);
	tcase_add_test(t, test_no_room_for_the_lock);
	tcase_add_loop_test(t, test_read_only_at_start, 0, 2);
	tcase_add_test(t, test_full_while_running);
	suite_add_tcase(s, t);
	return suite_run(s);
}
