/* Ecash that is brought to who asked for it (NUT-18): whatever the payee's server answers, and whenever that is lost, it is
 * not brought again to one who has it, and it is never lost. */
#include <string.h>

#include "rails/cashu/payreq.h"
#include "store/proof_store.h"
#include "tests/support/cashu_world.h"
#include "tests/support/suite.h"

#define CHECK       "/v1/checkstate"
#define AMOUNT      21
#define MANY        20
#define ANSWERS_MAX 4

/* What the payee's server does with one request. */
struct answer {
	int status;         /* 0: the connection breaks */
	bool takes;         /* it spends what it was brought, first */
	const char *header; /* or NULL */
};

static struct world w;
static struct http_peer *shop;
static struct action_id sent;
static const struct answer *answers;
static unsigned brought;
static const char *bodies[MANY];

static void take_token(void)
{
	struct proof_row *rows;
	struct err e, *err = &e;
	size_t n;

	OK(proof_store_by_holder(store_view(w.disk.store), &w.arena, &sent, PROOF_SENT, &rows, &n, err));
	ck_assert_uint_gt(n, 0);
	for (size_t i = 0; i < n; i++)
		world_spend_proof(&w, &rows[i].proof);
}

static const struct peer_script *serve(void *ctx, const struct peer_request *req)
{
	struct peer_script *script = ARENA_NEW(&w.arena, struct peer_script);
	const struct answer *a = &answers[brought < ANSWERS_MAX ? brought : ANSWERS_MAX - 1];

	(void)ctx;
	ck_assert_str_eq(req->method, "POST");
	ck_assert_str_eq(req->path, "/pay");
	ck_assert_uint_lt(brought, MANY);
	bodies[brought++] = arena_strndup(&w.arena, (const char *)req->body.p, req->body.n);
	if (a->takes)
		take_token();
	if (a->status == 0)
		*script = (struct peer_script){ .raw = "", .end = PEER_RESET };
	else
		*script = (struct peer_script){ .status = a->status, .headers = a->header, .body = "<p>whatever</p>" };
	return script;
}

static void open_shop(const struct answer *to_come)
{
	world_open(&w, 0);
	world_issue(&w, 100);
	shop = http_peer_new(w.loop, NULL);
	http_peer_answer(shop, serve, NULL);
	answers = to_come;
	brought = 0;
}

static void close_shop(void)
{
	http_peer_free(shop);
	world_close(&w);
}

static void begin(void)
{
	struct payreq_transport to = { .type = "post", .target = http_peer_url(shop, "/pay") };
	struct payreq r = { .id = "b7a9",
			    .has_amount = true,
			    .amount = AMOUNT,
			    .has_unit = true,
			    .unit = { "sat" },
			    .transport = &to,
			    .n_transports = 1 };
	struct err e, *err = &e;
	char *text;

	OK(payreq_encode(&w.arena, &r, &text, err));
	sent = world_start(&w, "cashu_send", arena_printf(&w.arena, "{\"request\":\"%s\"}", text));
}

static const struct delivery {
	const char *name;
	struct answer answers[ANSWERS_MAX]; /* the last one, again and again */
	unsigned times;                     /* that it is brought */
	bool thanked;                       /* the payee said that it has it */
	const char *error;                  /* of the action while nobody has taken it; NULL: somebody has */
} deliveries[] = {
	{ "taken at once", { { 200, true, NULL } }, 1, true, NULL },
	{ "created, says the server", { { 201, true, NULL } }, 1, true, NULL },
	{ "nothing to say", { { 204, true, NULL } }, 1, true, NULL },
	{ "taken, and the answer is lost", { { 0, true, NULL } }, 1, false, NULL },
	{ "taken, and the server stumbles", { { 500, true, NULL } }, 1, false, NULL },
	{ "taken, says no all the same", { { 400, true, NULL } }, 1, false, NULL },
	{ "lost on the way", { { 0, false, NULL }, { 200, true, NULL } }, 2, true, NULL },
	{ "lost twice, the second time when it was taken", { { 0, false, NULL }, { 0, true, NULL } }, 2, false, NULL },
	{ "the server stumbles", { { 500, false, NULL }, { 502, false, NULL }, { 200, true, NULL } }, 3, true, NULL },
	{ "later, please", { { 429, false, "Retry-After: 9\r\n" }, { 200, true, NULL } }, 2, true, NULL },
	{ "too slow", { { 408, false, NULL }, { 200, true, NULL } }, 2, true, NULL },
	{ "too early", { { 425, false, NULL }, { 200, true, NULL } }, 2, true, NULL },
	{ "elsewhere: a token is not brought to where a server points",
	  { { 302, false, "Location: http://127.0.0.1:1/pay\r\n" }, { 200, true, NULL } },
	  2,
	  true,
	  NULL },
	{ "thanks, and nothing is spent", { { 200, false, NULL } }, 1, true, "" },
	{ "not wanted", { { 400, false, NULL } }, 1, false, "peer_rejected" },
	{ "not there", { { 404, false, NULL } }, 1, false, "peer_rejected" },
	{ "gone", { { 410, false, NULL } }, 1, false, "peer_rejected" },
};

/* Turns until it is done, or as often as that takes at most; another kill after each. */
static void run(bool killing)
{
	for (int i = 0; i < MANY && !action_status_is_final(world_row(&w, &sent).status); i++) {
		if (killing)
			world_restart(&w);
		world_turn(&w);
	}
}

static void assert_delivered(const struct delivery *d)
{
	struct action_row row = world_row(&w, &sent);

	ck_assert_uint_eq(brought, d->times);
	for (unsigned i = 1; i < brought; i++)
		ck_assert_str_eq(bodies[i], bodies[0]);
	/* Before it is brought again the mint is asked whether it is spent. */
	ck_assert_uint_ge(world_asked(&w, CHECK), brought - 1);
	ck_assert_uint_eq(world_events(&w, "token.delivered"), d->thanked);
	if (!d->error) {
		ck_assert_str_eq(action_status_name(row.status), "done");
		ck_assert_int_eq(world_total(&w), 100 - AMOUNT);
		world_check(&w, 0);
		return;
	}
	ck_assert(!action_status_is_final(row.status));
	ck_assert_int_eq(world_account(&w, ACCOUNT_SENT), AMOUNT);
	/* It is still ours to take back. */
	ck_assert_ptr_null(world_cancel(&w, &sent));
	world_settle(&w, &sent, MANY);
	ck_assert_str_eq(action_status_name(world_row(&w, &sent).status), "cancelled");
	ck_assert_int_eq(world_account(&w, ACCOUNT_SPENDABLE), 100);
	world_check(&w, 0);
}

START_TEST(test_delivery)
{
	const struct delivery *d = &deliveries[_i];

	open_shop(d->answers);
	begin();
	world_settle(&w, &sent, 0);
	if (d->error && *d->error) {
		struct action_row row = world_row(&w, &sent);

		ck_assert_str_eq(row.error_kind, d->error);
		ck_assert_ptr_nonnull(json_object_get(world_progress(&w, &sent), "token"));
	}
	run(false);
	assert_delivered(d);
	close_shop();
}
END_TEST

START_TEST(test_delivery_killed)
{
	const struct delivery *d = &deliveries[_i];

	open_shop(d->answers);
	begin();
	run(true);
	assert_delivered(d);
	close_shop();
}
END_TEST

/* What the payee gets: who issued it, how much, what for; and no blinding factors that are not needed there. */
START_TEST(test_what_is_brought)
{
	static const struct answer thanks[ANSWERS_MAX] = { { 200, true, NULL } };
	struct err e, *err = &e;
	json_t *body, *proofs, *p;
	int64_t sum = 0;
	size_t i;

	open_shop(thanks);
	begin();
	run(false);
	ck_assert_uint_eq(brought, 1);
	OK(json_parse(&w.arena, bytes_of(bodies[0]), JSON_DEPTH_MAX, &body, err));
	ck_assert_str_eq(json_string_value(json_object_get(body, "id")), "b7a9");
	ck_assert_str_eq(json_string_value(json_object_get(body, "mint")), w.url);
	ck_assert_str_eq(json_string_value(json_object_get(body, "unit")), "sat");
	proofs = json_object_get(body, "proofs");
	json_array_foreach(proofs, i, p) sum += json_integer_value(json_object_get(p, "amount"));
	ck_assert_int_eq(sum, AMOUNT);
	close_shop();
}
END_TEST

static void taken_meanwhile(struct world *at)
{
	(void)at;
	take_token();
}

/* The request was lost, and the payee has the token all the same, from whomever: it is not brought again. */
START_TEST(test_spent_before_it_is_brought_again)
{
	static const struct answer lost[ANSWERS_MAX] = { { 0, false, NULL } };

	open_shop(lost);
	w.before_path = CHECK;
	w.before = taken_meanwhile;
	begin();
	run(false);
	ck_assert_uint_eq(brought, 1);
	ck_assert_str_eq(action_status_name(world_row(&w, &sent).status), "done");
	world_check(&w, 0);
	close_shop();
}
END_TEST

int main(void)
{
	Suite *s = suite_create("cashu_delivery");
	TCase *tc = tcase_create("delivery");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, test_delivery, 0, ARRAY_LEN(deliveries));
	tcase_add_loop_test(tc, test_delivery_killed, 0, ARRAY_LEN(deliveries));
	tcase_add_test(tc, test_what_is_brought);
	tcase_add_test(tc, test_spent_before_it_is_brought_again);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
