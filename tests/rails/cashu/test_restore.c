#include "rails/cashu/restore.h"

#include <string.h>

#include "tests/support/rails.h"
#include "tests/support/suite.h"

#define ID "009a1f293253e41e"
static const struct output outputs[3] = {
	{ .amount = 1, .keyset = { .s = ID }, .b = { { 2, 0xaa } }, .secret = "a" },
	{ .amount = 2, .keyset = { .s = ID }, .b = { { 3, 0xbb } }, .secret = "b" },
	{ .amount = 4, .keyset = { .s = ID }, .b = { { 2, 0xcc } }, .secret = "c" },
};

#define Z62    "00000000000000000000000000000000000000000000000000000000000000"
#define OUT(b) "{\"amount\":1,\"id\":\"" ID "\",\"B_\":\"" b Z62 "\"}"
#define SIG(amount)                                                                                                    \
	"{\"amount\":" amount ",\"id\":\"" ID                                                                          \
	"\",\"C_\":\"0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798\"}"

START_TEST(request)
{
	struct net_request req;

	ck_ok(restore_request(&ra, "https://m.example", outputs, 2, &req, &rerr));
	ck_assert_str_eq(req.url, "https://m.example/v1/restore");
	ck_assert(!req.changes_state);
	assert_body(&req, "{\"outputs\":[{\"amount\":1,\"id\":\"" ID "\",\"B_\":\"02aa" Z62 "\"},"
			  "{\"amount\":2,\"id\":\"" ID "\",\"B_\":\"03bb" Z62 "\"}]}");
	ck_fails(restore_request(&ra, "https://m.example", outputs, 0, &req, &rerr), ERR_RANGE);
}
END_TEST

static const struct {
	const char *name, *body;
	size_t n;
	const char *secrets;
	uint64_t amounts[3];
} good[] = {
	{ "none", "{\"outputs\":[],\"signatures\":[]}", 0, "", { 0 } },
	{ "all",
	  "{\"outputs\":[" OUT("02aa") "," OUT("03bb") "," OUT("02cc") "],\"signatures\":[" SIG("1") "," SIG(
		  "2") "," SIG("4") "]}",
	  3,
	  "abc",
	  { 1, 2, 4 } },
	{ "in another order",
	  "{\"outputs\":[" OUT("02cc") "," OUT("02aa") "," OUT("03bb") "],\"signatures\":[" SIG("4") "," SIG(
		  "1") "," SIG("2") "]}",
	  3,
	  "abc",
	  { 1, 2, 4 } },
	{ "in part",
	  "{\"outputs\":[" OUT("02cc") "," OUT("02aa") "],\"signatures\":[" SIG("4") "," SIG(
		  "1") "],\"promises\":null}",
	  2,
	  "ac",
	  { 1, 4 } },
	{ "the last", "{\"outputs\":[" OUT("02cc") "],\"signatures\":[" SIG("4") "]}", 1, "c", { 4 } },
};

START_TEST(restored)
{
	struct net_reply rep = reply_of(200, good[_i].body);
	struct restored r;

	ck_ok(restore_decode(&ra, &rep, outputs, 3, &r, &rerr));
	ck_assert_uint_eq(r.n, good[_i].n);
	for (size_t i = 0; i < r.n; i++) {
		ck_assert_int_eq(r.outputs[i].secret[0], good[_i].secrets[i]);
		ck_assert_uint_eq(r.promises[i].amount, good[_i].amounts[i]);
	}
}
END_TEST

static const char *const bad[] = {
	"{}",
	"{\"outputs\":[]}",
	"{\"signatures\":[]}",
	"{\"outputs\":null,\"signatures\":null}",
	"{\"outputs\":[" OUT("02aa") "],\"signatures\":[]}",
	"{\"outputs\":[],\"signatures\":[" SIG("1") "]}",
	"{\"outputs\":[" OUT("02ab") "],\"signatures\":[" SIG("1") "]}",
	"{\"outputs\":[" OUT("02aa") "," OUT("02aa") "],\"signatures\":[" SIG("1") "," SIG("1") "]}",
	"{\"outputs\":[" OUT("02aa") "],\"signatures\":[{}]}",
	"{\"outputs\":[{}],\"signatures\":[" SIG("1") "]}",
	"{\"outputs\":[7],\"signatures\":[" SIG("1") "]}",
	"{\"outputs\":[" OUT("02aa") "],\"signatures\":[" SIG("0") "]}",
	"{\"outputs\":[" OUT("02aa") "," OUT("03bb") "," OUT("02cc") "," OUT("02aa") "],\"signatures\":[" SIG(
		"1") "," SIG("2") "," SIG("4") "," SIG("1") "]}",
};

START_TEST(not_restored)
{
	struct net_reply rep = reply_of(200, bad[_i]);
	struct restored r;

	ck_fails(restore_decode(&ra, &rep, outputs, 3, &r, &rerr), ERR_PEER_INVALID);
}
END_TEST

START_TEST(no_answer)
{
	struct net_reply rep = { .outcome = NET_UNKNOWN, .detail = "timed out" };
	struct restored r;

	ck_fails(restore_decode(&ra, &rep, outputs, 3, &r, &rerr), ERR_PEER_DOWN);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/cashu/restore");
	TCase *c = rails_case(s, "restore");

	tcase_add_test(c, request);
	tcase_add_loop_test(c, restored, 0, ARRAY_LEN(good));
	tcase_add_loop_test(c, not_restored, 0, ARRAY_LEN(bad));
	tcase_add_test(c, no_answer);
	return suite_run(s);
}
