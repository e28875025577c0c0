/* The mint that other tests count on: its balance rules, its codes, its books, and that each fault does what it says.
 *
 * Runs the program itself (walletd-testmint in BUILD_DIR) and speaks to it with the wallet's own requests and decoders. */
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json.h"
#include "base/net/http.h"
#include "base/rng.h"
#include "base/text.h"
#include "rails/bitcoin/secp.h"
#include "rails/cashu/cashu_error.h"
#include "rails/cashu/checkstate.h"
#include "rails/cashu/issue.h"
#include "rails/cashu/keyset.h"
#include "rails/cashu/mint_info.h"
#include "rails/cashu/mint_quote.h"
#include "rails/cashu/mint_url.h"
#include "rails/cashu/output.h"
#include "rails/cashu/promise.h"
#include "rails/cashu/restore.h"
#include "rails/cashu/select.h"
#include "rails/cashu/swap.h"
#include "tests/support/suite.h"

#define NOTES_MAX 64

static struct loop *loop;
static struct http *http;
static struct arena arena;
static struct err err;
static const char *url;
static pid_t mint_pid;

/* What a wallet holds or is about to. */
struct purse {
	struct keyset ks;
	struct output outputs[NOTES_MAX];
	size_t n;
	struct proof *proofs;
};

/* --- the program --- */

static void run_mint(int out, const char *const *args)
{
	const char *dir = getenv("BUILD_DIR");
	const char *argv[16] = { "walletd-testmint" };
	char path[512];
	size_t n = 1;

	while (*args != NULL && n < ARRAY_LEN(argv) - 1)
		argv[n++] = *args++;
	snprintf(path, sizeof(path), "%s/walletd-testmint", dir == NULL ? "build/check" : dir);
	/* An assertion that fails skips the teardown. */
	if (prctl(PR_SET_PDEATHSIG, SIGTERM) != 0 || dup2(out, STDOUT_FILENO) < 0)
		_exit(1);
	execv(path, (char *const *)(uintptr_t)argv);
	_exit(1);
}

static void start(const char *const *args)
{
	char line[64] = "";
	int fds[2];
	FILE *from;

	ck_assert_int_eq(pipe(fds), 0);
	mint_pid = fork();
	ck_assert_int_ge(mint_pid, 0);
	if (mint_pid == 0)
		run_mint(fds[1], args);
	close(fds[1]);
	from = fdopen(fds[0], "r");
	ck_assert_ptr_nonnull(from);
	ck_assert_msg(fgets(line, sizeof(line), from) != NULL, "walletd-testmint did not start");
	fclose(from);
	line[strcspn(line, "\n")] = '\0';
	url = arena_strdup(&arena, line);
}

#define START(...) start((const char *const[]){ __VA_ARGS__ })

static void set_up(void)
{
	struct http_options opts = { 0 };
	uint8_t random[32];

	rng_bytes(random, sizeof(random));
	ck_assert(secp_init(random));
	arena = ARENA_LIMIT(64 * 1024 * 1024);
	ck_assert_int_eq(loop_new(&loop, &err), 0);
	ck_assert_int_eq(http_new(loop, &opts, &http, &err), 0);
	mint_pid = 0;
}

static void tear_down(void)
{
	int status = 0;

	http_free(http);
	loop_free(loop);
	arena_done(&arena);
	if (mint_pid == 0)
		return;
	ck_assert_int_eq(kill(mint_pid, SIGTERM), 0);
	ck_assert_int_eq(waitpid(mint_pid, &status, 0), mint_pid);
	/* Of a sanitizer's build this also says that nothing leaked. */
	ck_assert_int_eq(status, 0);
}

/* --- exchanges --- */

static void on_reply(void *ctx, const struct net_reply *from)
{
	struct net_reply *to = ctx;

	*to = *from;
	if (from->outcome == NET_ANSWERED) {
		to->body = arena_bytes(&arena, from->body);
		to->content_type = "application/json";
	}
	loop_stop(loop);
}

static struct net_reply exchange(const struct net_request *req)
{
	struct net_reply reply;

	http_submit(http, req, on_reply, &reply);
	ck_assert_int_eq(loop_run(loop, &err), 0);
	return reply;
}

static void wake(void *ctx)
{
	(void)ctx;
	loop_stop(loop);
}

static void wait_ms(int64_t ms)
{
	struct timer *t = loop_timer(loop, wake, NULL);

	timer_start(t, ms);
	ck_assert_int_eq(loop_run(loop, &err), 0);
	timer_free(t);
}

static json_t *control(const char *name, const char *body)
{
	struct net_request req = { .method = body == NULL ? "GET" : "POST",
				   .url = mint_url_join(&arena, url, arena_printf(&arena, "/control/%s", name)) };
	struct net_reply reply;
	json_t *v;

	if (body != NULL) {
		req.body = bytes_of(body);
		req.content_type = "application/json";
	}
	reply = exchange(&req);
	ck_assert_int_eq(reply.outcome, NET_ANSWERED);
	ck_assert_msg(reply.status == 200, "/control/%s: %.*s", name, (int)reply.body.n, reply.body.p);
	ck_assert_int_eq(json_parse(&arena, reply.body, 8, &v, &err), 0);
	return v;
}

static void fault(const char *path, const char *mode, const char *more)
{
	control("fault", arena_printf(&arena, "{\"path\":\"%s\",\"mode\":\"%s\"%s}", path, mode, more));
}

static int64_t counter(const char *name)
{
	const json_t *v = json_object_get(control("counters", NULL), name);

	ck_assert_msg(json_is_integer(v), "no counter %s", name);
	return json_integer_value(v);
}

static void check_sums(const char *unit, int64_t minted, int64_t fees)
{
	const json_t *v = json_object_get(json_object_get(control("counters", NULL), "units"), unit);

	ck_assert_int_eq(json_integer_value(json_object_get(v, "minted")), minted);
	ck_assert_int_eq(json_integer_value(json_object_get(v, "fees")), fees);
	ck_assert_int_eq(json_integer_value(json_object_get(v, "outstanding")), minted - fees);
}

/* --- a wallet, just enough of one --- */

static struct currency unit_of(const char *text)
{
	struct currency unit;

	ck_assert(currency_parse(text, &unit));
	return unit;
}

static void load_keys(const char *unit, struct keyset *ret)
{
	struct net_request req;
	struct net_reply reply;
	struct keyset *list;
	size_t n;

	keysets_request(&arena, url, &req);
	reply = exchange(&req);
	ck_assert_msg(keysets_decode(&arena, &reply, &list, &n, &err) == 0, "%s", err.msg);
	for (size_t i = 0; i < n; i++) {
		if (!list[i].active || !currency_equal(list[i].unit, unit_of(unit)))
			continue;
		keyset_request(&arena, url, &list[i].id, &req);
		reply = exchange(&req);
		ck_assert_msg(keyset_decode(&arena, &reply, &list[i], ret, &err) == 0, "%s", err.msg);
		return;
	}
	ck_abort_msg("no active keyset of %s", unit);
}

static void draw_one(const struct keyset *ks, uint64_t amount, struct output *ret)
{
	uint8_t secret[32];
	struct secret r;

	rng_bytes(secret, sizeof(secret));
	rng_bytes(r.b, sizeof(r.b));
	ck_assert_int_eq(output_make(&arena, &ks->id, amount, hex_text(&arena, (struct bytes){ secret, 32 }), &r,
				     OUTPUT_KEEP, -1, ret, &err),
			 0);
}

static void draw(struct purse *p, uint64_t amount)
{
	p->n = 0;
	for (uint64_t bit = 1; bit <= amount; bit <<= 1)
		if ((amount & bit) != 0)
			draw_one(&p->ks, bit, &p->outputs[p->n++]);
}

static struct net_reply quote_ask(uint64_t amount, const char *unit, const struct pubkey *lock)
{
	struct net_request req;
	struct ecash e;

	ck_assert(ecash_make(amount, unit_of(unit), &e));
	ck_assert_int_eq(mint_quote_request(&arena, url, e, NULL, lock, &req, &err), 0);
	return exchange(&req);
}

static struct mint_quote quote_read(const struct net_reply *reply, uint64_t amount, const char *unit, const char *id)
{
	struct mint_quote q;
	struct ecash e;

	ck_assert(ecash_make(amount, unit_of(unit), &e));
	ck_assert_msg(mint_quote_decode(&arena, reply, e, id, &q, &err) == 0, "%s", err.msg);
	return q;
}

static struct mint_quote quote_new(uint64_t amount, const char *unit)
{
	struct net_reply reply = quote_ask(amount, unit, NULL);

	return quote_read(&reply, amount, unit, NULL);
}

static struct mint_quote quote_check(const struct mint_quote *q)
{
	struct net_request req;
	struct net_reply reply;

	mint_quote_check_request(&arena, url, q->id, &req);
	reply = exchange(&req);
	return quote_read(&reply, ecash_value(q->amount), q->amount.unit.s, q->id);
}

static struct net_reply issue(const struct purse *p, const char *quote, const uint8_t *signature)
{
	struct net_request req;

	ck_assert_int_eq(issue_request(&arena, url, quote, p->outputs, p->n, signature, &req, &err), 0);
	return exchange(&req);
}

static struct net_request swap_of(const struct proof *in, size_t n_in, const struct output *out, size_t n_out)
{
	struct net_request req;

	ck_assert_int_eq(swap_request(&arena, url, in, n_in, out, n_out, &req, &err), 0);
	return req;
}

static struct net_reply swap(const struct purse *from, const struct purse *to)
{
	struct net_request req = swap_of(from->proofs, from->n, to->outputs, to->n);

	return exchange(&req);
}

static int unblind(const struct net_reply *reply, struct purse *p, bool dleq)
{
	struct promise *promises;
	size_t n;

	if (promises_decode(&arena, reply, &promises, &n, &err) != 0)
		return -1;
	return promises_check_and_unblind(&arena, p->outputs, p->n, promises, n, &p->ks, 1, dleq, &p->proofs, &err);
}

static void take(const struct net_reply *reply, struct purse *p)
{
	ck_assert_msg(unblind(reply, p, true) == 0, "%s", err.msg);
}

/* Ecash from nothing. */
static void fund(struct purse *p, const char *unit, uint64_t amount)
{
	struct mint_quote q = quote_new(amount, unit);
	struct net_reply reply;

	load_keys(unit, &p->ks);
	draw(p, amount);
	reply = issue(p, q.id, NULL);
	take(&reply, p);
}

static uint64_t fee_of(const struct purse *p)
{
	return fee_of_ppk(p->n * p->ks.input_fee_ppk);
}

/* A second purse with outputs for all of p, less the fee. */
static struct purse change_for(const struct purse *p, uint64_t amount)
{
	struct purse to = { .ks = p->ks };

	draw(&to, amount - fee_of(p));
	return to;
}

static struct net_reply restore(const struct purse *p)
{
	struct net_request req;

	ck_assert_int_eq(restore_request(&arena, url, p->outputs, p->n, &req, &err), 0);
	return exchange(&req);
}

static size_t restored_count(const struct purse *p)
{
	struct net_reply reply = restore(p);
	struct restored got;

	ck_assert_msg(restore_decode(&arena, &reply, p->outputs, p->n, &got, &err) == 0, "%s", err.msg);
	return got.n;
}

static struct note_states states_of(const struct purse *p)
{
	struct pubkey ys[NOTES_MAX];
	struct net_request req;
	struct net_reply reply;
	struct note_states states;

	for (size_t i = 0; i < p->n; i++)
		ys[i] = p->proofs[i].y;
	ck_assert_int_eq(checkstate_request(&arena, url, ys, p->n, &req, &err), 0);
	reply = exchange(&req);
	ck_assert_msg(checkstate_decode(&arena, &reply, ys, p->n, &states, &err) == 0, "%s", err.msg);
	return states;
}

static void check_refused(const char *name, const struct net_reply *reply, int code)
{
	json_t *v;

	ck_assert_msg(reply->outcome == NET_ANSWERED && reply->status == 400, "%s: outcome %d, status %d", name,
		      (int)reply->outcome, reply->status);
	ck_assert_int_eq(json_parse(&arena, reply->body, 8, &v, &err), 0);
	ck_assert_msg(json_integer_value(json_object_get(v, "code")) == code, "%s: %.*s", name, (int)reply->body.n,
		      reply->body.p);
}

/* --- the rules --- */

START_TEST(issues_and_swaps)
{
	struct purse p = { 0 }, to;
	struct net_reply reply;

	START("--fee-ppk=100", NULL);
	fund(&p, "sat", 1000);
	check_sums("sat", 1000, 0);
	check_sums("usd", 0, 0);
	ck_assert_uint_eq(fee_of(&p), 1);
	to = change_for(&p, 1000);
	reply = swap(&p, &to);
	take(&reply, &to);
	check_sums("sat", 1000, 1);
	ck_assert_uint_eq(states_of(&p).spent, p.n);
	ck_assert_uint_eq(states_of(&to).unspent, to.n);
	ck_assert_uint_eq(restored_count(&p), p.n);
	ck_assert_uint_eq(restored_count(&to), to.n);
	ck_assert_int_eq(counter("outputs_reused"), 0);
	ck_assert_int_eq(counter("outputs_seen"), (int64_t)(p.n + to.n));
	ck_assert_int_eq(counter("dleq_leaked"), 0);
	ck_assert_int_eq(counter("notes_spent"), (int64_t)p.n);
}
END_TEST

START_TEST(v1_keysets_and_usd)
{
	struct purse p = { 0 }, to;
	struct net_reply reply;

	START("--keysets=v1", "--units=usd", NULL);
	fund(&p, "usd", 77);
	ck_assert_int_eq(keyset_id_version(&p.ks.id), KEYSET_V1);
	to = change_for(&p, 77);
	reply = swap(&p, &to);
	take(&reply, &to);
	check_sums("usd", 77, 0);
}
END_TEST

/* Both dialects; where they differ: spec/cashu.md 2.5. */
static const struct dialect {
	const char *option;
	int swap_used, issue_again, issue_used;
} dialects[] = {
	{ "--dialect=nutshell", 11003, 11003, 11003 },
	{ "--dialect=cdk", 11008, 20002, 20006 },
};

START_TEST(refuses_what_does_not_balance_or_was_spent)
{
	const struct dialect *d = &dialects[_i];
	struct purse p = { 0 }, to, fresh = { 0 };
	struct net_request req;
	struct net_reply reply;
	struct proof twice[2], forged;
	int64_t reused;

	START(d->option, "--fee-ppk=100", NULL);
	fund(&p, "sat", 64);
	to = (struct purse){ .ks = p.ks };

	draw(&to, 64);
	reply = swap(&p, &to);
	check_refused("without the fee", &reply, CASHU_UNBALANCED);
	draw(&to, 62);
	reply = swap(&p, &to);
	check_refused("too much fee", &reply, CASHU_UNBALANCED);
	ck_assert_uint_eq(restored_count(&to), 0);

	twice[0] = twice[1] = p.proofs[0];
	req = swap_of(twice, 2, to.outputs, to.n);
	reply = exchange(&req);
	check_refused("an input twice", &reply, CASHU_DUPLICATE_INPUTS);
	to.outputs[1] = to.outputs[0];
	reply = swap(&p, &to);
	check_refused("an output twice", &reply, CASHU_DUPLICATE_OUTPUTS);

	draw(&to, 63);
	forged = p.proofs[0];
	forged.c = p.ks.keys[0].key;
	req = swap_of(&forged, 1, to.outputs, to.n);
	reply = exchange(&req);
	check_refused("a forged note", &reply, CASHU_PROOF_INVALID);
	forged = p.proofs[0];
	forged.amount = 128;
	req = swap_of(&forged, 1, to.outputs, to.n);
	reply = exchange(&req);
	check_refused("a note of another amount", &reply, CASHU_PROOF_INVALID);

	draw(&to, 63);
	reply = swap(&p, &to);
	take(&reply, &to);
	reply = swap(&p, &to);
	check_refused("again", &reply, CASHU_SPENT);
	fund(&fresh, "sat", 64);
	reused = counter("outputs_reused");
	reply = swap(&fresh, &to);
	check_refused("outputs that are signed", &reply, d->swap_used);
	ck_assert_int_eq(counter("outputs_reused"), reused + (int64_t)to.n);
	ck_assert_uint_eq(states_of(&fresh).unspent, 1);
	check_sums("sat", 128, 1);
}
END_TEST

START_TEST(refuses_quotes_that_are_not_to_be_had)
{
	const struct dialect *d = &dialects[_i];
	struct purse p = { 0 }, other;
	struct mint_quote q, second;
	struct net_reply reply;

	START(d->option, "--max-amount=500", "--pay-delay-ms=-1", NULL);
	reply = quote_ask(501, "sat", NULL);
	check_refused("too much", &reply, CASHU_AMOUNT_LIMITS);
	reply = quote_ask(5, "eur", NULL);
	check_refused("no such unit", &reply, 11013);

	q = quote_new(100, "sat");
	ck_assert_int_eq(q.state, QUOTE_UNPAID);
	ck_assert(text_starts(q.request, "lnbcrt1000n1"));
	load_keys("sat", &p.ks);
	draw(&p, 100);
	reply = issue(&p, q.id, NULL);
	check_refused("not paid", &reply, CASHU_QUOTE_NOT_PAID);
	control("quote", arena_printf(&arena, "{\"quote\":\"%s\",\"state\":\"PAID\"}", q.id));
	ck_assert_int_eq(quote_check(&q).state, QUOTE_PAID);

	other = (struct purse){ .ks = p.ks };
	draw(&other, 99);
	reply = issue(&other, q.id, NULL);
	check_refused("not the amount", &reply, CASHU_UNBALANCED);
	load_keys("usd", &other.ks);
	draw(&other, 100);
	reply = issue(&other, q.id, NULL);
	check_refused("not the unit", &reply, 11010);

	reply = issue(&p, q.id, NULL);
	take(&reply, &p);
	ck_assert_int_eq(quote_check(&q).state, QUOTE_ISSUED);
	reply = issue(&p, q.id, NULL);
	check_refused("the same again", &reply, d->issue_again);
	other.ks = p.ks;
	draw(&other, 100);
	reply = issue(&other, q.id, NULL);
	check_refused("other outputs", &reply, CASHU_QUOTE_ISSUED);
	second = quote_new(100, "sat");
	control("quote", arena_printf(&arena, "{\"quote\":\"%s\",\"state\":\"PAID\"}", second.id));
	reply = issue(&p, second.id, NULL);
	check_refused("another quote, the same outputs", &reply, d->issue_used);
	check_sums("sat", 100, 0);
}
END_TEST

START_TEST(invoices_pay_themselves)
{
	struct mint_quote q;

	START("--pay-delay-ms=150", NULL);
	q = quote_new(10, "sat");
	ck_assert_int_eq(q.state, QUOTE_UNPAID);
	wait_ms(200);
	ck_assert_int_eq(quote_check(&q).state, QUOTE_PAID);
}
END_TEST

START_TEST(quotes_expire_for_nutshell)
{
	struct purse p = { 0 };
	struct mint_quote q;
	struct net_reply reply;

	START("--quote-ttl-s=60", NULL);
	load_keys("sat", &p.ks);
	draw(&p, 10);
	q = quote_new(10, "sat");
	ck_assert_int_gt(q.expiry_s, clock_now_ms() / 1000);
	control("quote", arena_printf(&arena, "{\"quote\":\"%s\",\"expire\":true}", q.id));
	reply = issue(&p, q.id, NULL);
	check_refused("expired", &reply, 11000);
}
END_TEST

START_TEST(keysets_rotate)
{
	struct purse p = { 0 }, to;
	struct net_reply reply;

	START("--fee-ppk=100", NULL);
	fund(&p, "sat", 10);
	to = change_for(&p, 10);
	control("rotate", "{\"unit\":\"sat\",\"input_fee_ppk\":0}");
	reply = swap(&p, &to);
	check_refused("outputs of an inactive keyset", &reply, CASHU_KEYSET_INACTIVE);
	load_keys("sat", &to.ks);
	ck_assert_uint_eq(to.ks.input_fee_ppk, 0);
	draw(&to, 9); /* the fee is the inputs' */
	reply = swap(&p, &to);
	take(&reply, &to);
	check_sums("sat", 10, 1);

	draw(&p, 9);
	to.ks.id.s[10] = to.ks.id.s[10] == '0' ? '1' : '0';
	p.ks = to.ks;
	for (size_t i = 0; i < p.n; i++)
		p.outputs[i].keyset = to.ks.id;
	reply = swap(&to, &p);
	check_refused("a keyset of nobody", &reply, CASHU_KEYSET_UNKNOWN);
}
END_TEST

/* Which of the two messages, and none, each setting takes. */
static const struct lock {
	const char *option;
	bool none, legacy, v1;
} locks[] = {
	{ "--quote-lock=none", true, true, true },
	{ "--quote-lock=legacy", false, true, false },
	{ "--quote-lock=v1", false, false, true },
	{ "--quote-lock=both", false, true, true },
};

static void check_lock(const char *name, bool want, const uint8_t *signature, const struct purse *p, const char *quote)
{
	struct net_reply reply = issue(p, quote, signature);

	if (want)
		ck_assert_msg(reply.status == 200, "%s: %.*s", name, (int)reply.body.n, reply.body.p);
	else
		check_refused(name, &reply, CASHU_QUOTE_SIGNATURE);
}

START_TEST(quotes_are_locked)
{
	static const char *const names[] = { "none", "legacy", "v1" };
	const struct lock *l = &locks[_i];
	struct purse p = { 0 };
	struct secret key = { .b = { 7 } };
	struct pubkey pub;

	START(l->option, NULL);
	load_keys("sat", &p.ks);
	ck_assert(secp_seckey_pubkey(&key, &pub));
	for (size_t i = 0; i < 3; i++) {
		struct net_reply reply = quote_ask(10, "sat", &pub);
		struct mint_quote q = quote_read(&reply, 10, "sat", NULL);
		struct hash32 msg = { 0 };
		uint8_t sig[64];

		ck_assert(q.has_pubkey == !l->none);
		draw(&p, 10);
		if (i == 1)
			issue_message_legacy(q.id, p.outputs, p.n, &msg);
		else
			issue_message_v1(q.id, p.outputs, p.n, &msg);
		ck_assert(secp_schnorr_sign(&key, &msg, sig));
		check_lock(names[i], i == 0 ? l->none : i == 1 ? l->legacy : l->v1, i == 0 ? NULL : sig, &p, q.id);
	}
}
END_TEST

START_TEST(caches_replies)
{
	struct purse p = { 0 }, to;
	struct net_reply first, again;
	struct mint_info info;
	struct net_request req;

	START("--cache-ttl-s=60", NULL);
	mint_info_request(&arena, url, &req);
	first = exchange(&req);
	ck_assert_int_eq(mint_info_decode(&arena, &first, &info, &err), 0);
	ck_assert(info.caches_swap && info.caches_issue && info.restore && info.dleq && info.quote_lock);
	fund(&p, "sat", 10);
	to = change_for(&p, 10);
	first = swap(&p, &to);
	take(&first, &to);
	again = swap(&p, &to);
	ck_assert(bytes_equal(first.body, again.body));
	ck_assert_int_eq(counter("outputs_reused"), 0);
	check_sums("sat", 10, 0);
}
END_TEST

/* --- faults of transport --- */

static const struct wire_fault {
	const char *mode, *more;
	enum net_outcome outcome;
	int status;
	bool acted, acts_later;
} wire_faults[] = {
	{ "drop_before", "", NET_UNKNOWN, 0, false, false },
	{ "drop_after", "", NET_UNKNOWN, 0, true, false },
	{ "answer", ",\"status\":500", NET_ANSWERED, 500, false, false },
	{ "answer", ",\"status\":400,\"code\":11005", NET_ANSWERED, 400, false, false },
	{ "answer_after", ",\"status\":502", NET_ANSWERED, 502, true, false },
	{ "throttle", ",\"retry_after_s\":7", NET_ANSWERED, 429, false, false },
	{ "duplicate", "", NET_ANSWERED, 400, true, false },
	{ "truncate", "", NET_UNKNOWN, 0, true, false },
	{ "garbage", "", NET_ANSWERED, 200, true, false },
	{ "huge", "", NET_UNKNOWN, 0, true, false },
	{ "slow_drip", ",\"ms\":20", NET_UNKNOWN, 0, true, false },
	{ "delay", ",\"ms\":1000", NET_UNKNOWN, 0, true, false },
	{ "delay_before", ",\"ms\":500", NET_UNKNOWN, 0, false, true },
	{ "hold", ",\"ms\":500", NET_UNKNOWN, 0, false, true },
	{ "none of these", NULL, NET_ANSWERED, 200, true, false },
};

START_TEST(wire_faults_do_as_they_say)
{
	const struct wire_fault *f = &wire_faults[_i];
	struct purse p = { 0 }, to;
	struct net_request req;
	struct net_reply reply;

	START("--fee-ppk=100", NULL);
	fund(&p, "sat", 8);
	to = change_for(&p, 8);
	if (f->more != NULL)
		fault("/v1/swap", f->mode, f->more);
	req = swap_of(p.proofs, p.n, to.outputs, to.n);
	req.timeout_ms = 300;
	reply = exchange(&req);
	ck_assert_msg(reply.outcome == f->outcome && reply.status == f->status, "%s: outcome %d, status %d, %s",
		      f->mode, (int)reply.outcome, reply.status, reply.detail);
	ck_assert_int_eq(reply.retry_after_s, reply.status == 429 ? 7 : 0);
	ck_assert_int_eq(counter("faults_left"), 0);

	ck_assert_uint_eq(restored_count(&to), f->acted ? to.n : 0);
	if (strcmp(f->mode, "hold") == 0) {
		ck_assert_uint_eq(states_of(&p).pending, p.n);
		reply = swap(&p, &to);
		check_refused("while it waits", &reply, CASHU_PENDING);
	} else {
		ck_assert_uint_eq(states_of(&p).spent, f->acted ? p.n : 0);
	}
	if (f->acts_later) {
		wait_ms(400);
		ck_assert_uint_eq(restored_count(&to), to.n);
		ck_assert_uint_eq(states_of(&p).spent, p.n);
	}
	/* The next one is served as ever, and no money was made or lost. */
	reply = swap(&p, &to);
	if (f->acted || f->acts_later)
		check_refused("again", &reply, CASHU_SPENT);
	else
		take(&reply, &to);
	check_sums("sat", 8, 1);
}
END_TEST

START_TEST(faults_wait_for_the_nth)
{
	struct net_request req;

	START(NULL);
	fault("/v1/key*", "answer", ",\"status\":503,\"nth\":2,\"count\":2");
	keysets_request(&arena, url, &req);
	ck_assert_int_eq(exchange(&req).status, 200);
	ck_assert_int_eq(counter("faults_left"), 2);
	ck_assert_int_eq(exchange(&req).status, 503);
	ck_assert_int_eq(exchange(&req).status, 503);
	ck_assert_int_eq(exchange(&req).status, 200);
	fault("/v1/keysets", "answer", ",\"status\":500,\"count\":0");
	ck_assert_int_eq(exchange(&req).status, 500);
	ck_assert_int_eq(exchange(&req).status, 500);
	control("reset_faults", "{}");
	ck_assert_int_eq(exchange(&req).status, 200);
	ck_assert_int_eq(counter("faults_left"), 0);
}
END_TEST

START_TEST(goes_down_and_comes_back)
{
	struct net_request req;

	START(NULL);
	control("down", "{\"ms\":300}");
	keysets_request(&arena, url, &req);
	/* On a connection that is still open a request is lost; a new connection is refused. */
	ck_assert_int_ne(exchange(&req).outcome, NET_ANSWERED);
	ck_assert_int_eq(exchange(&req).outcome, NET_NOT_SENT);
	wait_ms(400);
	ck_assert_int_eq(exchange(&req).status, 200);
}
END_TEST

/* --- lies --- */

static const char *const swap_lies[] = { "wrong_amount",    "inflated",        "wrong_keyset_id", "other_keyset",
					 "bad_signature",   "bad_dleq",        "no_dleq",         "extra_promise",
					 "missing_promise", "swapped_promises" };

START_TEST(lies_are_lies_and_the_books_stay_true)
{
	struct purse p = { 0 }, to;
	struct restored got;
	struct net_reply reply;

	START(NULL);
	fund(&p, "sat", 7);
	to = change_for(&p, 7);
	fault("/v1/swap", swap_lies[_i], "");
	reply = swap(&p, &to);
	ck_assert_int_eq(reply.status, 200);
	ck_assert_msg(unblind(&reply, &to, true) != 0, "%s was believed", swap_lies[_i]);
	ck_assert_int_eq(err.code, ERR_PEER_INVALID);
	check_sums("sat", 7, 0);
	reply = restore(&to);
	ck_assert_int_eq(restore_decode(&arena, &reply, to.outputs, to.n, &got, &err), 0);
	ck_assert_msg(promises_check_and_unblind(&arena, got.outputs, got.n, got.promises, got.n, &to.ks, 1, true,
						 &to.proofs, &err) == 0,
		      "%s", err.msg);
}
END_TEST

START_TEST(restore_lies)
{
	struct purse p = { 0 };
	struct restored got;
	struct net_reply reply;

	START(NULL);
	fund(&p, "sat", 7);
	fault("/v1/restore", "restore_empty", "");
	ck_assert_uint_eq(restored_count(&p), 0);
	fault("/v1/restore", "restore_reorder", "");
	ck_assert_uint_eq(restored_count(&p), p.n);
	fault("/v1/restore", "restore_foreign", "");
	reply = restore(&p);
	ck_assert_int_ne(restore_decode(&arena, &reply, p.outputs, p.n, &got, &err), 0);
	ck_assert_uint_eq(restored_count(&p), p.n);
	fault("/v1/checkstate", "states", ",\"state\":\"SPENT\"");
	ck_assert_uint_eq(states_of(&p).spent, p.n);
	ck_assert_uint_eq(states_of(&p).unspent, p.n);
}
END_TEST

START_TEST(keyset_and_quote_lies)
{
	struct net_request req;
	struct net_reply reply;
	struct mint_quote q;
	struct keyset ks, got;

	START("--pay-delay-ms=-1", NULL);
	load_keys("sat", &ks);
	keyset_request(&arena, url, &ks.id, &req);
	fault("/v1/keys/*", "wrong_keys", "");
	reply = exchange(&req);
	ck_assert_int_ne(keyset_decode(&arena, &reply, &ks, &got, &err), 0);
	fault("/v1/keys/*", "wrong_fee", "");
	reply = exchange(&req);
	ck_assert_int_ne(keyset_decode(&arena, &reply, &ks, &got, &err), 0);
	reply = exchange(&req);
	ck_assert_int_eq(keyset_decode(&arena, &reply, &ks, &got, &err), 0);

	q = quote_new(5, "sat");
	fault("/v1/mint/quote/bolt11/*", "edit", ",\"set\":{\"state\":\"PAID\"}");
	ck_assert_int_eq(quote_check(&q).state, QUOTE_PAID);
	ck_assert_int_eq(quote_check(&q).state, QUOTE_UNPAID);
}
END_TEST

START_TEST(without_dleq)
{
	struct purse p = { 0 };
	struct mint_quote q;
	struct net_reply reply;

	START("--no-dleq", NULL);
	load_keys("sat", &p.ks);
	draw(&p, 7);
	q = quote_new(7, "sat");
	reply = issue(&p, q.id, NULL);
	ck_assert_int_eq(unblind(&reply, &p, false), 0);
	ck_assert(!p.proofs[0].dleq.present);
}
END_TEST

/* What a wallet must never do is seen. */
START_TEST(counts_what_wallets_must_not_do)
{
	struct purse p = { 0 }, to, other = { 0 };
	struct net_request req;
	struct net_reply reply;
	struct mint_quote q;
	struct secret r;
	const char *body;

	START(NULL);
	fund(&p, "sat", 8);
	to = change_for(&p, 8);
	req = swap_of(p.proofs, p.n, to.outputs, to.n);
	body = (const char *)req.body.p;
	req.body = bytes_of(arena_printf(&arena, "{\"inputs\":[{\"dleq\":{},%s", body + strlen("{\"inputs\":[{")));
	reply = exchange(&req);
	take(&reply, &to);
	ck_assert_int_eq(counter("dleq_leaked"), 1);

	/* One secret, two notes: only one of them can ever be spent. */
	fund(&p, "sat", 2);
	rng_bytes(r.b, sizeof(r.b));
	ck_assert_int_eq(
		output_make(&arena, &p.ks.id, 4, p.outputs[0].secret, &r, OUTPUT_KEEP, -1, &other.outputs[0], &err), 0);
	other.ks = p.ks;
	other.n = 1;
	q = quote_new(4, "sat");
	reply = issue(&other, q.id, NULL);
	take(&reply, &other);
	to = change_for(&p, 2);
	reply = swap(&p, &to);
	take(&reply, &to);
	ck_assert_int_eq(counter("secrets_reused"), 0);
	to = change_for(&other, 4);
	reply = swap(&other, &to);
	check_refused("a secret that was spent", &reply, CASHU_SPENT);
	ck_assert_int_eq(counter("secrets_reused"), 1);
	ck_assert_int_eq(counter("outputs_reused"), 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("testmint");
	TCase *tc = tcase_create("testmint");

	tcase_add_checked_fixture(tc, set_up, tear_down);
	tcase_set_timeout(tc, 30);
	tcase_add_test(tc, issues_and_swaps);
	tcase_add_test(tc, v1_keysets_and_usd);
	tcase_add_loop_test(tc, refuses_what_does_not_balance_or_was_spent, 0, ARRAY_LEN(dialects));
	tcase_add_loop_test(tc, refuses_quotes_that_are_not_to_be_had, 0, ARRAY_LEN(dialects));
	tcase_add_test(tc, invoices_pay_themselves);
	tcase_add_test(tc, quotes_expire_for_nutshell);
	tcase_add_test(tc, keysets_rotate);
	tcase_add_loop_test(tc, quotes_are_locked, 0, ARRAY_LEN(locks));
	tcase_add_test(tc, caches_replies);
	tcase_add_loop_test(tc, wire_faults_do_as_they_say, 0, ARRAY_LEN(wire_faults));
	tcase_add_test(tc, faults_wait_for_the_nth);
	tcase_add_test(tc, goes_down_and_comes_back);
	tcase_add_loop_test(tc, lies_are_lies_and_the_books_stay_true, 0, ARRAY_LEN(swap_lies));
	tcase_add_test(tc, restore_lies);
	tcase_add_test(tc, keyset_and_quote_lies);
	tcase_add_test(tc, without_dleq);
	tcase_add_test(tc, counts_what_wallets_must_not_do);
	suite_add_tcase(s, tc);
	return suite_run(s);
}
