/* daemon/lockfile.c and files.c: one daemon per datadir, unless all agree to share; and a datadir nobody else can enter. */
#include "daemon/lockfile.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "daemon/files.h"
#include "tests/support/suite.h"

static char dir[64], lock[96];
static struct err err;

static void set_up(void)
{
	snprintf(dir, sizeof(dir), "/tmp/walletd-lock-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(lock, sizeof(lock), "%s/walletd.lock", dir);
	err_clear(&err);
}

static void tear_down(void)
{
	unlink(lock);
	rmdir(dir);
}

START_TEST(test_second_is_refused)
{
	int first, second = -7;
	char want[32];

	ck_assert_msg(lockfile_take(dir, false, &first, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(lockfile_take(dir, false, &second, &err), -1);
	ck_assert_int_eq(err.code, ERR_BUSY);
	snprintf(want, sizeof(want), "(pid %ld)", (long)getpid());
	ck_assert_msg(strstr(err.msg, want) && strstr(err.msg, dir), "%s", err.msg);
	ck_assert_int_eq(second, -7);
	close(first);
	ck_assert_msg(lockfile_take(dir, false, &second, &err) == 0, "%s", err.msg);
	close(second);
}
END_TEST

START_TEST(test_sharing)
{
	int first, second, third;

	ck_assert_msg(lockfile_take(dir, true, &first, &err) == 0, "%s", err.msg);
	ck_assert_msg(lockfile_take(dir, true, &second, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(lockfile_take(dir, false, &third, &err), -1);
	ck_assert_int_eq(err.code, ERR_BUSY);
	close(first);
	ck_assert_int_eq(lockfile_take(dir, false, &third, &err), -1);
	close(second);
	ck_assert_msg(lockfile_take(dir, false, &third, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(lockfile_take(dir, true, &first, &err), -1);
	ck_assert_msg(strstr(err.hint, "shared_state=1") != NULL, "%s", err.hint);
	close(third);
}
END_TEST

/* A daemon that was killed leaves no lock behind, only the file. */
START_TEST(test_ends_with_the_process)
{
	int pipe_fds[2], fd, status;
	char byte;
	pid_t child;

	ck_assert_int_eq(pipe(pipe_fds), 0);
	child = fork();
	ck_assert_int_ge(child, 0);
	if (child == 0) {
		if (lockfile_take(dir, false, &fd, &err) == 0 && write(pipe_fds[1], "x", 1) == 1)
			pause();
		_exit(1);
	}
	ck_assert_int_eq(read(pipe_fds[0], &byte, 1), 1);
	ck_assert_int_eq(lockfile_take(dir, false, &fd, &err), -1);
	ck_assert_int_eq(kill(child, SIGKILL), 0);
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_msg(lockfile_take(dir, false, &fd, &err) == 0, "%s", err.msg);
	close(fd);
}
END_TEST

START_TEST(test_strange_contents)
{
	int first, second;
	FILE *f;

	ck_assert_msg(lockfile_take(dir, false, &first, &err) == 0, "%s", err.msg);
	f = fopen(lock, "w");
	ck_assert_ptr_nonnull(f);
	fputs("\033[31mnot a pid", f);
	fclose(f);
	ck_assert_int_eq(lockfile_take(dir, false, &second, &err), -1);
	ck_assert_int_eq(err.code, ERR_BUSY);
	ck_assert_ptr_null(strstr(err.msg, "pid"));
	ck_assert_ptr_null(strchr(err.msg, '\033'));
	close(first);
}
END_TEST

START_TEST(test_no_directory)
{
	int fd;

	ck_assert_int_eq(lockfile_take("/nowhere/at/all", false, &fd, &err), -1);
	ck_assert_int_eq(err.code, ERR_STORAGE);
	ck_assert_int_eq(symlink("/etc/passwd", lock), 0); /* never through a link that somebody planted */
	ck_assert_int_eq(lockfile_take(dir, false, &fd, &err), -1);
}
END_TEST

START_TEST(test_directories)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(4096);
	char *deep = files_in(&a, dir, "a/b/c"), *file = files_in(&a, deep, "wallet.db");
	struct stat st;
	FILE *f;

	ck_assert_str_eq(files_dir_of(&a, "/x/y"), "/x");
	ck_assert_str_eq(files_dir_of(&a, "/x"), "/");
	ck_assert_str_eq(files_in(&a, "/", "x"), "/x");
	ck_assert_int_eq(files_check_private(deep, &err), -1);
	ck_assert_int_eq(err.code, ERR_NOT_FOUND);
	ck_assert_msg(files_make_dir(deep, 0700, &err) == 0, "%s", err.msg);
	ck_assert_msg(files_make_dir(deep, 0755, &err) == 0, "%s", err.msg); /* it exists: left alone */
	ck_assert_int_eq(stat(deep, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0700);
	ck_assert_int_eq(stat(files_in(&a, dir, "a"), &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0700);
	ck_assert_msg(files_check_private(deep, &err) == 0, "%s", err.msg);
	f = fopen(file, "w");
	ck_assert_ptr_nonnull(f);
	fclose(f);
	ck_assert_int_eq(chmod(file, 0640), 0);
	ck_assert_int_eq(files_check_private(deep, &err), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_msg(strstr(err.hint, "chmod 600") && strstr(err.hint, file), "%s", err.hint);
	ck_assert_int_eq(chmod(file, 0600), 0);
	ck_assert_int_eq(chmod(deep, 0750), 0);
	ck_assert_int_eq(files_check_private(deep, &err), -1);
	ck_assert_msg(strstr(err.hint, "chmod 700") != NULL, "%s", err.hint);
	ck_assert_int_eq(files_make_dir(file, 0700, &err), 0); /* exists, whatever it is */
	ck_assert_int_eq(files_check_private(file, &err), -1);
	ck_assert_int_eq(files_make_dir(files_in(&a, file, "x"), 0700, &err), -1);
	unlink(file);
	rmdir(deep);
	rmdir(files_in(&a, dir, "a/b"));
	rmdir(files_in(&a, dir, "a"));
}
END_TEST

START_TEST(test_groups)
{
	gid_t gid = 7;

	ck_assert_int_eq(files_group(NULL, &gid, &err), 0);
	ck_assert(gid == (gid_t)-1);
	ck_assert_int_eq(files_group("0", &gid, &err), 0);
	ck_assert_uint_eq(gid, 0);
	ck_assert_int_eq(files_group("root", &gid, &err), 0);
	ck_assert_uint_eq(gid, 0);
	ck_assert_int_eq(files_group("no-such-group-here", &gid, &err), -1);
	ck_assert_str_eq(err.field, "rpc_socket_group");
}
END_TEST

int main(void)
{
	Suite *s = suite_create("lockfile");
	TCase *t = tcase_create("lock");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, test_second_is_refused);
	tcase_add_test(t, test_sharing);
	tcase_add_test(t, test_ends_with_the_process);
	tcase_add_test(t, test_strange_contents);
	tcase_add_test(t, test_no_directory);
	tcase_add_test(t, test_directories);
	tcase_add_test(t, test_groups);
	suite_add_tcase(s, t);
	return suite_run(s);
}
