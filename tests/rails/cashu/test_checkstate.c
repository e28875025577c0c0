#include "rails/cashu/checkstate.h"

#include <string.h>

#include "tests/support/rails.h"
#include "tests/support/suite.h"

static const struct pubkey ys[3] = { { { 2, 0xaa } }, { { 3, 0xbb } }, { { 2, 0xcc } } };

#define Y(prefix) "\"" prefix "00000000000000000000000000000000000000000000000000000000000000\""
#define A(state)  "{\"Y\":" Y("02aa") ",\"state\":" state "}"
#define B(state)  "{\"Y\":" Y("03bb") ",\"state\":" state ",\"witness\":null}"
#define C(state)  "{\"Y\":" Y("02cc") ",\"state\":" state "}"

START_TEST(request)
{
	struct net_request req;

	ck_ok(checkstate_request(&ra, "https://m.example", ys, 2, &req, &rerr));
	ck_assert_str_eq(req.url, "https://m.example/v1/checkstate");
	ck_assert(!req.changes_state);
	assert_body(&req, "{\"Ys\":[" Y("02aa") "," Y("03bb") "]}");
	ck_fails(checkstate_request(&ra, "https://m.example", ys, 0, &req, &rerr), ERR_RANGE);
	ck_fails(checkstate_request(&ra, "https://m.example", ys, CASHU_LIST_MAX + 1, &req, &rerr), ERR_RANGE);
}
END_TEST

START_TEST(states)
{
	struct net_reply rep = reply_of(200,
					"{\"states\":[" A("\"SPENT\"") "," B("\"UNSPENT\"") "," C("\"PENDING\"") "]}");
	struct note_states s;

	ck_ok(checkstate_decode(&ra, &rep, ys, 3, &s, &rerr));
	ck_assert_uint_eq(s.n, 3);
	ck_assert(s.v[0] == NOTE_SPENT && s.v[1] == NOTE_UNSPENT && s.v[2] == NOTE_PENDING);
	ck_assert(s.spent == 1 && s.unspent == 1 && s.pending == 1);
}
END_TEST

static const char *const bad[] = {
	"{}",
	"{\"states\":{}}",
	"{\"states\":[]}",
	"{\"states\":[" A("\"SPENT\"") "," B("\"UNSPENT\"") "]}",
	"{\"states\":[" A("\"SPENT\"") "," B("\"UNSPENT\"") "," C("\"PENDING\"") "," A("\"SPENT\"") "]}",
	"{\"states\":[" B("\"UNSPENT\"") "," A("\"SPENT\"") "," C("\"PENDING\"") "]}",
	"{\"states\":[" A("\"SPENT\"") "," A("\"SPENT\"") "," C("\"PENDING\"") "]}",
	"{\"states\":[" A("\"spent\"") "," B("\"UNSPENT\"") "," C("\"PENDING\"") "]}",
	"{\"states\":[" A("\"\"") "," B("\"UNSPENT\"") "," C("\"PENDING\"") "]}",
	"{\"states\":[" A("null") "," B("\"UNSPENT\"") "," C("\"PENDING\"") "]}",
	"{\"states\":[1,2,3]}",
	"{\"states\":[{\"state\":\"SPENT\"}," B("\"UNSPENT\"") "," C("\"PENDING\"") "]}",
};

START_TEST(not_states)
{
	struct net_reply rep = reply_of(200, bad[_i]);
	struct note_states s;

	ck_fails(checkstate_decode(&ra, &rep, ys, 3, &s, &rerr), ERR_PEER_INVALID);
}
END_TEST

START_TEST(no_answer)
{
	struct net_reply rep = reply_of(429, "");
	struct note_states s;

	ck_fails(checkstate_decode(&ra, &rep, ys, 3, &s, &rerr), ERR_PEER_BUSY);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("rails/cashu/checkstate");
	TCase *c = rails_case(s, "checkstate");

	tcase_add_test(c, request);
	tcase_add_test(c, states);
	tcase_add_loop_test(c, not_states, 0, ARRAY_LEN(bad));
	tcase_add_test(c, no_answer);
	return suite_run(s);
}
