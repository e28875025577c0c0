#include "tests/support/rails.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "rails/bitcoin/secp.h"

struct arena ra;
struct err rerr;

static void setup(void)
{
	static const uint8_t blind[32] = { 1, 2, 3 };

	ck_assert(secp_init(blind));
	ra = ARENA_LIMIT(16 * 1024 * 1024);
	err_clear(&rerr);
}

static void teardown(void)
{
	arena_done(&ra);
}

TCase *rails_case(Suite *s, const char *name)
{
	TCase *c = tcase_create(name);

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_set_timeout(c, 60);
	suite_add_tcase(s, c);
	return c;
}

json_t *vectors_load(const char *name)
{
	/* A recorded node quotes raw bytes in its words, and has limits of 2^64 - 1. */
	static const struct json_rules rules = {
		.max_depth = JSON_DEPTH_MAX, .max_values = JSON_VALUES_MAX, .escaped_nul = true, .huge_as_text = true
	};
	SCOPED(file) FILE *f = fopen(arena_printf(&ra, "tests/vectors/%s", name), "rb");
	struct bytes text;
	json_t *v;
	uint8_t *p;

	ck_assert_msg(f != NULL, "tests/vectors/%s cannot be opened; run in the root of the tree", name);
	p = arena_alloc(&ra, 256 * 1024);
	text = (struct bytes){ p, fread(p, 1, 256 * 1024, f) };
	ck_assert(feof(f) && text.n > 0);
	ck_ok(json_parse_by(&ra, text, &rules, &v, &rerr));
	return v;
}

const char *vec_str(const json_t *obj, const char *name)
{
	const json_t *v = json_object_get(obj, name);

	ck_assert_msg(json_is_string(v), "%s is not a string", name);
	return json_string_value(v);
}

uint64_t vec_u64(const json_t *obj, const char *name)
{
	const json_t *v = json_object_get(obj, name);

	ck_assert_msg(json_is_integer(v), "%s is not a number", name);
	return (uint64_t)json_integer_value(v);
}

struct bytes vec_hex(const json_t *obj, const char *name)
{
	struct bytes v;

	ck_assert_msg(hex_decode_any(&ra, vec_str(obj, name), 65536, &v), "%s is not hex", name);
	return v;
}

void hex_to(const char *text, void *to, size_t n)
{
	ck_assert_msg(hex_decode(text, to, n), "not %zu bytes of hex: %s", n, text);
}

void vec_copy(const json_t *obj, const char *name, void *to, size_t n)
{
	hex_to(vec_str(obj, name), to, n);
}

struct net_reply reply_of(int status, const char *body)
{
	return (struct net_reply){
		.outcome = NET_ANSWERED, .status = status, .body = bytes_of(body), .content_type = "application/json"
	};
}

void assert_body(const struct net_request *req, const char *json)
{
	json_t *got, *want;

	ck_assert_str_eq(req->content_type, "application/json");
	ck_ok(json_parse(&ra, req->body, JSON_DEPTH_MAX, &got, &rerr));
	ck_ok(json_parse(&ra, bytes_of(json), JSON_DEPTH_MAX, &want, &rerr));
	ck_assert_msg(json_equal(got, want), "%s\nis not\n%s", json_text(&ra, got), json);
}

void rails_assert_fails(int rc, enum err_code why, const char *file, int line)
{
	ck_assert_msg(rc == -1, "%s:%d: did not fail", file, line);
	ck_assert_msg(rerr.code == why, "%s:%d: failed with %s, not %s: %s", file, line, err_kind(rerr.code),
		      err_kind(why), rerr.msg);
	ck_assert_msg(rerr.msg[0] != '\0', "%s:%d: says nothing", file, line);
}
