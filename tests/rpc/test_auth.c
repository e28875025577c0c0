/* Who is let in, as what, and what is said to the others. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/text.h"
#include "rpc/auth.h"
#include "tests/support/scratch.h"
#include "tests/support/suite.h"

static struct scratch disk;
static struct auth *auth;
static struct arena arena;

static void open_all(void)
{
	scratch_open(&disk);
	arena = ARENA_LIMIT(1 << 20);
	auth = auth_new(disk.store);
}

static void close_all(void)
{
	auth_free(auth);
	arena_done(&arena);
	scratch_close(&disk);
}

static const char *cookie_file(void)
{
	return arena_printf(&arena, "%s/cookie", disk.dir);
}

static const char *read_file(const char *path)
{
	static char text[256];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	ck_assert_int_ge(fd, 0);
	n = read(fd, text, sizeof(text) - 1);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	close(fd);
	return text;
}

static const char *basic(const char *pair)
{
	return arena_printf(&arena, "Basic %s", base64_text(&arena, bytes_of(pair)));
}

static int check(const char *header, struct rpc_caller *ret, struct err *err)
{
	return auth_header(auth, header, header ? strlen(header) : 0, ret, err);
}

/* --- the cookie --- */

START_TEST(cookie)
{
	struct rpc_caller c;
	struct err e, *err = &e;
	struct stat st;
	char line[256];

	OK(auth_write_cookie(auth, cookie_file(), (gid_t)-1, err));
	ck_assert_int_eq(stat(cookie_file(), &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0640);
	snprintf(line, sizeof(line), "%s", read_file(cookie_file()));
	ck_assert_uint_eq(strlen(line), strlen("__cookie__:") + 64 + 1);
	line[strlen(line) - 1] = '\0';
	OK(check(basic(line), &c, err));
	ck_assert_int_eq(c.scope, RPC_ADMIN);
	ck_assert_str_eq(c.credential, "cookie");
	OK(check(arena_printf(&arena, "Bearer %s", line), &c, err));
	/* A new start, a new cookie. */
	OK(auth_write_cookie(auth, cookie_file(), (gid_t)-1, err));
	FAILS(check(basic(line), &c, err), ERR_FORBIDDEN);
	auth_free(auth);
	auth = NULL;
	ck_assert_int_eq(stat(cookie_file(), &st), -1);
}
END_TEST

START_TEST(cookie_where_none_can_be)
{
	struct err e, *err = &e;

	FAILS(auth_write_cookie(auth, "/nonexistent/cookie", (gid_t)-1, err), ERR_IO);
}
END_TEST

/* --- named keys --- */

struct made {
	const char *name;
	enum rpc_scope scope;
	char secret[AUTH_SECRET_TEXT + 1];
};

static int add_key(struct unit *u, void *ctx, struct err *err)
{
	struct made *m = ctx;
	struct credential_row row = {
		.name = m->name, .scope = (int)m->scope, .budget_hour_sat = -1, .budget_day_sat = 7, .created_at_ms = 1
	};

	auth_make_secret(m->secret, row.salt, &row.hash);
	return credential_add(u, &row, &row.id, err);
}

static int revoke_key(struct unit *u, void *ctx, struct err *err)
{
	return credential_revoke(u, ctx, 5, err);
}

START_TEST(named_key)
{
	struct made shop = { "shop", RPC_RECEIVE, "" }, bot = { "bot", RPC_SPEND, "" };
	struct rpc_caller c;
	struct err e, *err = &e;

	scratch_unit(&disk, add_key, &shop);
	scratch_unit(&disk, add_key, &bot);
	OK(check(basic(arena_printf(&arena, "shop:%s", shop.secret)), &c, err));
	ck_assert_int_eq(c.scope, RPC_RECEIVE);
	ck_assert_str_eq(c.credential, "key:shop");
	ck_assert_int_gt(c.key_id, 0);
	ck_assert_int_eq(c.budget_day_sat, 7);
	OK(check(arena_printf(&arena, "Bearer bot:%s", bot.secret), &c, err));
	ck_assert_int_eq(c.scope, RPC_SPEND);
	FAILS(check(basic(arena_printf(&arena, "shop:%s", bot.secret)), &c, err), ERR_FORBIDDEN);
	/* From the next request on. */
	scratch_unit(&disk, revoke_key, (void *)"shop");
	FAILS(check(basic(arena_printf(&arena, "shop:%s", shop.secret)), &c, err), ERR_FORBIDDEN);
	OK(check(arena_printf(&arena, "bearer bot:%s", bot.secret), &c, err));
}
END_TEST

START_TEST(use_is_noted)
{
	struct made shop = { "shop", RPC_RECEIVE, "" };
	struct credential_row *rows;
	struct rpc_caller c;
	struct err e, *err = &e;
	size_t n;

	scratch_unit(&disk, add_key, &shop);
	OK(check(basic(arena_printf(&arena, "shop:%s", shop.secret)), &c, err));
	store_flush(disk.store);
	OK(credential_list(store_view(disk.store), &arena, &rows, &n, err));
	ck_assert_int_gt(rows[0].last_used_ms, 0);
}
END_TEST

static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
static const char *const wrong[] = {
	NULL,
	"",
	"Basic",
	"Basic ",
	"Basic !!!!",
	"Basic eA==",
	"Digest username=x",
	"Bearer",
	"Bearer ",
	"Bearer shop",
	"Bearer shop:",
	"Bearer shop:00",
	"Bearer :0000000000000000000000000000000000000000000000000000000000000000",
	"Bearer shop:0000000000000000000000000000000000000000000000000000000000000000",
	"Bearer shop:000000000000000000000000000000000000000000000000000000000000000g",
	"Bearer shop:00000000000000000000000000000000000000000000000000000000000000000",
	"Bearer __cookie__:0000000000000000000000000000000000000000000000000000000000000000",
	"Bearer nobody:0000000000000000000000000000000000000000000000000000000000000000",
};

START_TEST(wrong_ones)
{
	struct made shop = { "shop", RPC_RECEIVE, "" };
	struct rpc_caller c;
	struct err e, *err = &e;

	scratch_unit(&disk, add_key, &shop);
	FAILS(check(wrong[_i], &c, err), ERR_FORBIDDEN);
}
END_TEST

START_TEST(no_cookie_no_cookie_user)
{
	struct rpc_caller c;
	struct err e, *err = &e;

	/* Without a cookie the all-zero one is not right by accident. */
	FAILS(check(basic(arena_printf(&arena, "__cookie__:%s", zeros)), &c, err), ERR_FORBIDDEN);
}
END_TEST

START_TEST(long_header)
{
	char header[2000];
	struct rpc_caller c;
	struct err e, *err = &e;

	memset(header, 'A', sizeof(header));
	memcpy(header, "Basic ", 6);
	FAILS(auth_header(auth, header, sizeof(header), &c, err), ERR_FORBIDDEN);
}
END_TEST

START_TEST(too_many_wrong_ones)
{
	struct made shop = { "shop", RPC_RECEIVE, "" };
	struct rpc_caller c;
	struct err e, *err = &e;

	scratch_unit(&disk, add_key, &shop);
	for (int i = 0; i < 10; i++)
		FAILS(check("Bearer x:y", &c, err), ERR_FORBIDDEN);
	FAILS(check("Bearer x:y", &c, err), ERR_BUSY);
	ck_assert_int_eq(e.retry_after_s, 1);
	/* Who is right is never held up by those who are not. */
	OK(check(basic(arena_printf(&arena, "shop:%s", shop.secret)), &c, err));
	FAILS(check("Bearer x:y", &c, err), ERR_BUSY);
}
END_TEST

/* --- the unix socket --- */

START_TEST(peer_by_uid)
{
	struct rpc_peer_scope scopes[] = { { geteuid(), RPC_READ } };
	struct rpc_caller c;
	struct err e, *err = &e;
	int fds[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, fds), 0);
	OK(auth_peer(auth, fds[0], getegid(), &c, err));
	ck_assert_int_eq(c.scope, RPC_ADMIN);
	ck_assert_str_eq(c.credential, arena_printf(&arena, "unix:%u", (unsigned)geteuid()));
	auth_set_peers(auth, scopes, 1);
	OK(auth_peer(auth, fds[0], getegid(), &c, err));
	ck_assert_int_eq(c.scope, RPC_READ);
	auth_set_peers(auth, NULL, 0);
	OK(auth_peer(auth, fds[0], getegid(), &c, err));
	ck_assert_int_eq(c.scope, RPC_ADMIN);
	close(fds[0]);
	close(fds[1]);
	fds[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	FAILS(auth_peer(auth, fds[0], getegid(), &c, err), ERR_FORBIDDEN);
	close(fds[0]);
}
END_TEST

/* --- names and secrets --- */

START_TEST(names)
{
	static const char *const good[] = { "a", "shop-1", "a_b", "0123456789abcdef0123456789abcdef" };
	static const char *const bad[] = { "",    "A",          "a b",
					   "a:b", "\xc3\xa9",   "a/",
					   "a.b", "__cookie__", "0123456789abcdef0123456789abcdef0" };

	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		ck_assert_msg(auth_name_is_valid(good[i]), "%s", good[i]);
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		ck_assert_msg(!auth_name_is_valid(bad[i]), "%s", bad[i]);
}
END_TEST

START_TEST(scope_names)
{
	for (enum rpc_scope s = RPC_READ; s <= RPC_ADMIN; s++) {
		enum rpc_scope back;

		ck_assert(rpc_scope_parse(rpc_scope_name(s), &back));
		ck_assert_int_eq(back, s);
	}
	ck_assert(!rpc_scope_parse("root", &(enum rpc_scope){ 0 }));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("auth");
	TCase *t = tcase_create("auth");

	tcase_add_checked_fixture(t, open_all, close_all);
	tcase_add_test(t, cookie);
	tcase_add_test(t, cookie_where_none_can_be);
	tcase_add_test(t, named_key);
	tcase_add_test(t, use_is_noted);
	tcase_add_loop_test(t, wrong_ones, 0, ARRAY_LEN(wrong));
	tcase_add_test(t, no_cookie_no_cookie_user);
	tcase_add_test(t, long_header);
	tcase_add_test(t, too_many_wrong_ones);
	tcase_add_test(t, peer_by_uid);
	tcase_add_test(t, names);
	tcase_add_test(t, scope_names);
	suite_add_tcase(s, t);
	return suite_run(s);
}
