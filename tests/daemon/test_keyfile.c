/* daemon/keyfile.c: a key file and its password, from where they may be and from nowhere else. */
#include "daemon/keyfile.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/suite.h"

#define JSON_MAX 256

static char dir[64];
static struct buf json, password;
static struct err err;

static void set_up(void)
{
	char keys[96];

	snprintf(dir, sizeof(dir), "/tmp/walletd-keys-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(dir));
	snprintf(keys, sizeof(keys), "%s/keys", dir);
	ck_assert_int_eq(mkdir(keys, 0700), 0);
	json = BUF_SECRET(JSON_MAX);
	password = BUF_SECRET(64);
	err_clear(&err);
}

static void tear_down(void)
{
	buf_done(&json);
	buf_done(&password);
}

static void put(const char *name, const char *text, mode_t mode)
{
	char path[192];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "w");
	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
	ck_assert_int_eq(fclose(f), 0);
	ck_assert_int_eq(chmod(path, mode), 0);
}

static int read_key(const char *credentials, const char *name)
{
	buf_reset(&json);
	buf_reset(&password);
	err_clear(&err);
	return keyfile_read(dir, credentials, name, &json, &password, &err);
}

START_TEST(test_password_beside_it)
{
	put("keys/cold.json", "{\"version\":3}", 0600);
	put("keys/cold.password", "correct horse\nsecond line\n", 0400);
	ck_assert_msg(read_key(NULL, "cold") == 0, "%s", err.msg);
	ck_assert_str_eq(buf_text(&json), "{\"version\":3}");
	ck_assert_str_eq(buf_text(&password), "correct horse");
	ck_assert_msg(read_key("/nowhere", "cold") == 0, "%s", err.msg); /* other credentials may be all there is */
}
END_TEST

START_TEST(test_credential_goes_before)
{
	put("keys/hot-1.json", "{}", 0600);
	put("walletd.key.hot-1", "from systemd", 0440);
	ck_assert_msg(read_key(dir, "hot-1") == 0, "%s", err.msg);
	ck_assert_str_eq(buf_text(&password), "from systemd");
	put("keys/hot-1.password", "from the file", 0600);
	ck_assert_msg(read_key(dir, "hot-1") == 0, "%s", err.msg);
	ck_assert_str_eq(buf_text(&password), "from systemd");
	ck_assert_msg(read_key(NULL, "hot-1") == 0, "%s", err.msg);
	ck_assert_str_eq(buf_text(&password), "from the file");
}
END_TEST

START_TEST(test_nothing_there)
{
	ck_assert_int_eq(read_key(NULL, "cold"), -1);
	ck_assert_int_eq(err.code, ERR_NOT_FOUND);
	ck_assert_msg(strstr(err.msg, "/keys/cold.json") != NULL, "%s", err.msg);
	put("keys/cold.json", "{}", 0600);
	ck_assert_int_eq(read_key(NULL, "cold"), -1); /* and no password */
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_msg(strstr(err.msg, "/keys/cold.password") != NULL, "%s", err.msg);
}
END_TEST

START_TEST(test_others_may_read)
{
	static const struct {
		mode_t key, secret;
		const char *says;
	} rows[] = {
		{ 0640, 0600, "keys/cold.json" },
		{ 0604, 0600, "keys/cold.json" },
		{ 0600, 0640, "keys/cold.password" },
		{ 0600, 0644, "keys/cold.password" },
	};

	put("keys/cold.json", "{}", rows[_i].key);
	put("keys/cold.password", "correct horse", rows[_i].secret);
	ck_assert_int_eq(read_key(NULL, "cold"), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_msg(strstr(err.msg, rows[_i].says) != NULL, "%s", err.msg);
	ck_assert_ptr_nonnull(strstr(err.hint, "chmod 600"));
	ck_assert_ptr_null(strstr(err.msg, "horse"));
}
END_TEST

START_TEST(test_sizes)
{
	char text[JSON_MAX + 2];

	put("keys/cold.password", "correct horse", 0600);
	memset(text, ' ', sizeof(text));
	text[JSON_MAX] = '\0';
	put("keys/cold.json", text, 0600);
	ck_assert_msg(read_key(NULL, "cold") == 0, "%s", err.msg);
	ck_assert_uint_eq(json.n, JSON_MAX);
	text[JSON_MAX] = ' ';
	text[JSON_MAX + 1] = '\0';
	put("keys/cold.json", text, 0600);
	ck_assert_int_eq(read_key(NULL, "cold"), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_msg(strstr(err.msg, "larger than 256 bytes") != NULL, "%s", err.msg);
}
END_TEST

START_TEST(test_names)
{
	static const char *const names[] = {
		"",          ".",           "..",
		"../wallet", "a/b",         ".hidden",
		"a b",       "caf\xc3\xa9", "0123456789012345678901234567890123456789012345678901234567890123x"
	};

	ck_assert_int_eq(read_key(NULL, names[_i]), -1);
	ck_assert_int_eq(err.code, ERR_CONFIG);
	ck_assert_str_eq(err.msg, "a key file cannot have this name");
}
END_TEST

START_TEST(test_no_regular_file)
{
	char path[192];

	snprintf(path, sizeof(path), "%s/keys/cold.json", dir);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(read_key(NULL, "cold"), -1); /* without waiting for a writer */
	ck_assert_msg(strstr(err.msg, "is not a regular file") != NULL, "%s", err.msg);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("daemon/keyfile");
	TCase *t = tcase_create("keyfile");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, test_password_beside_it);
	tcase_add_test(t, test_credential_goes_before);
	tcase_add_test(t, test_nothing_there);
	tcase_add_loop_test(t, test_others_may_read, 0, 4);
	tcase_add_test(t, test_sizes);
	tcase_add_loop_test(t, test_names, 0, 9);
	tcase_add_test(t, test_no_regular_file);
	suite_add_tcase(s, t);
	return suite_run(s);
}
