#include "tests/support/cashu_world.h"

#include <stdlib.h>
#include <string.h>

#include "actions/kinds.h"
#include "base/clock.h"
#include "base/hash.h"
#include "base/rng.h"
#include "base/secret.h"
#include "base/text.h"
#include "rails/bitcoin/secp.h"
#include "rails/cashu/dhke.h"
#include "rails/cashu/output.h"
#include "rails/cashu/promise.h"
#include "rails/cashu/token.h"
#include "rails/keys/keyring.h"
#include "store/event_store.h"
#include "store/key_index_store.h"
#include "store/mint_store.h"
#include "store/proof_store.h"
#include "tests/support/turns.h"

#define WORDS      "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about"
#define TURN_MS    20000
#define BIG_REPLY  (9 * 1024 * 1024)
#define WORLD_SIZE (1024 * 1024 * 1024)

static void must(int rc, const struct err *err)
{
	if (rc != 0)
		ck_abort_msg("%s: %s", err_kind(err->code), err->msg);
}

/* --- the mint's side --- */

static const struct peer_script *script(struct world *w, struct peer_script s)
{
	struct peer_script *copy = ARENA_NEW(&w->arena, struct peer_script);

	*copy = s;
	return copy;
}

static const struct peer_script *reply_of(struct world *w, const struct mint_answer *ans, const struct fault *f)
{
	struct peer_script s = { .status = ans->status, .body = json_text(&w->arena, ans->body) };

	if (ans->retry_after_s)
		s.headers = arena_printf(&w->arena, "Retry-After: %d\r\n", ans->retry_after_s);
	if (f->mode == FAULT_GARBAGE)
		s.body = "<html>Welcome to nginx!</html>";
	if (f->mode == FAULT_DELAY)
		s.delay_ms = f->ms;
	if (f->mode == FAULT_HUGE)
		s.filler = BIG_REPLY;
	if (f->mode == FAULT_TRUNCATE) {
		s.cut = 80 + strlen(s.body) / 2;
		s.end = PEER_CLOSE;
	}
	if (f->mode == FAULT_DROP_AFTER)
		s = (struct peer_script){ .raw = "", .end = PEER_RESET };
	return script(w, s);
}

static void kept_arrives(struct world *w)
{
	struct mint_answer ignored;

	mint_answer(&w->mint, &w->arena, &w->kept, &ignored);
	w->kept.method = NULL;
}

static const struct peer_script *answer(void *ctx, const struct peer_request *req)
{
	struct world *w = ctx;
	struct mint_call call = mint_call_of(&w->arena, arena_strdup(&w->arena, req->method),
					     arena_strdup(&w->arena, req->path), arena_bytes(&w->arena, req->body));
	struct fault f = faults_take(&w->faults, call.path);
	struct mint_answer ans;

	ck_assert_uint_lt(w->n_asked, ASKED_MAX);
	w->asked[w->n_asked++] = (struct asked){ call.method, call.path, call.body };
	mint_arrived(&w->mint, &call);
	if (w->kept.method && w->late_path && strcmp(call.path, w->late_path) == 0)
		kept_arrives(w);
	if (w->before_path && strcmp(call.path, w->before_path) == 0) {
		w->before_path = NULL;
		w->before(w);
	}
	if (f.mode == FAULT_DROP_BEFORE) {
		w->kept = call;
		return script(w, (struct peer_script){ .raw = "", .end = PEER_RESET });
	}
	if (f.mode == FAULT_ANSWER) {
		mint_refuse(&w->arena, &ans, f.status, f.code, f.detail);
	} else if (f.mode == FAULT_THROTTLE) {
		mint_refuse(&w->arena, &ans, 429, -1, f.detail);
		ans.retry_after_s = f.retry_after_s;
	} else {
		mint_answer(&w->mint, &w->arena, &call, &ans);
		if (f.mode == FAULT_DUPLICATE)
			mint_answer(&w->mint, &w->arena, &call, &ans);
		fault_lie(&w->mint, &w->arena, &f, &call, &ans);
		if (f.mode == FAULT_ANSWER_AFTER)
			mint_refuse(&w->arena, &ans, f.status, f.code, f.detail);
	}
	return reply_of(w, &ans, &f);
}

void world_fault(struct world *w, const char *json)
{
	struct err err;
	json_t *v;

	must(json_parse(&w->arena, bytes_of(json), 4, &v, &err), &err);
	must(faults_add(&w->faults, v, &err), &err);
}

/* --- life --- */

static void flush_now(void *ctx)
{
	store_flush(((struct world *)ctx)->disk.store);
}

static void flush_wanted(void *ctx)
{
	loop_post(((struct world *)ctx)->loop, flush_now, ctx);
}

static void start_up(struct world *w)
{
	struct store_options store = {
		.path = w->disk.path, .shared = w->shared, .lazily = true, .flush_wanted = flush_wanted, .ctx = w
	};
	struct http_options http = { 0 };
	struct executor_options ex = {
		.loop = w->loop,
		.kinds = action_kinds,
		.max_inflight = 64,
		.max_inflight_per_peer = 16,
		.shared = w->shared,
		.policy = { .onchain.network = NETWORK_REGTEST }, /* as the invoices are */
	};
	struct err err;

	must(store_open(&store, &w->disk.store, &err), &err);
	must(http_new(w->loop, &http, &w->http, &err), &err);
	ex.store = w->disk.store;
	ex.http = w->http;
	w->ex = executor_new(&ex);
	executor_set_keys(w->ex, w->keys);
}

static void shut_down(struct world *w)
{
	executor_stop(w->ex);
	store_flush(w->disk.store);
	executor_free(w->ex);
	http_free(w->http);
	loop_unpost(w->loop, flush_now, w);
}

void world_restart(struct world *w)
{
	shut_down(w);
	store_close(w->disk.store);
	start_up(w);
}

struct mint_options world_mint(uint64_t fee_ppk)
{
	struct mint_options opts = { .seed = "the mint of a suite",
				     .n_units = 2,
				     .version = KEYSET_V2,
				     .input_fee_ppk = fee_ppk,
				     .dialect = MINT_NUTSHELL,
				     .quote_lock = MINT_LOCK_LEGACY | MINT_LOCK_V1,
				     .dleq = true,
				     .quote_ttl_s = 3600,
				     .max_amount = 1000000 };

	ck_assert(currency_parse("sat", &opts.units[0]) && currency_parse("usd", &opts.units[1]));
	return opts;
}

void world_open(struct world *w, uint64_t fee_ppk)
{
	struct mint_options opts = world_mint(fee_ppk);

	world_open_with(w, &opts);
}

void world_open_with(struct world *w, const struct mint_options *opts)
{
	struct mnemonic words;
	struct mint_row row;
	struct action_id id;
	uint8_t random[32];
	struct err err;

	*w = (struct world){ .arena = ARENA_LIMIT(WORLD_SIZE) };
	ck_assert_int_eq(setenv("WALLETD_DOUBLE_DRIVE", "1", 1), 0);
	rng_bytes(random, sizeof(random));
	ck_assert(secp_init(random));
	must(mnemonic_parse(WORDS, &words, &err), &err);
	w->keys = keyring_new(&words, "", &err);
	ck_assert_ptr_nonnull(w->keys);
	must(loop_new(&w->loop, &err), &err);
	w->asked = ARENA_ARRAY(&w->arena, ASKED_MAX, struct asked);
	mint_init(&w->mint, opts);
	w->peer = http_peer_new(w->loop, NULL);
	http_peer_answer(w->peer, answer, w);
	w->url = http_peer_url(w->peer, "");
	scratch_place(&w->disk);
	start_up(w);
	id = world_start(w, "cashu_mint_sync", arena_printf(&w->arena, "{\"mint\":\"%s\",\"add\":true}", w->url));
	world_settle(w, &id, 1);
	must(mint_store_by_url(store_view(w->disk.store), &w->arena, w->url, &row, &err), &err);
	ck_assert(row.trusted);
	w->mint_id = row.id;
	w->n_asked = 0;
}

void world_close(struct world *w)
{
	clock_set_for_test(-1);
	shut_down(w);
	scratch_close(&w->disk);
	http_peer_free(w->peer);
	loop_free(w->loop);
	faults_clear(&w->faults);
	mint_done(&w->mint);
	keyring_free(w->keys);
	arena_done(&w->arena);
}

/* --- actions --- */

struct starting {
	struct world *w;
	struct action_request req;
	struct action_id id;
	json_t *plan;
};

static int start_run(struct unit *u, void *ctx, struct err *err)
{
	struct starting *st = ctx;
	bool existing;

	return executor_start(st->w->ex, u, &st->w->arena, &st->req, &st->id, &existing, &st->plan, err);
}

static struct starting starting(struct world *w, const char *kind, const char *params)
{
	struct starting st = { .w = w, .req = { .kind = kind } };
	struct err err;

	must(json_parse(&w->arena, bytes_of(params), 4, &st.req.params, &err), &err);
	return st;
}

struct action_id world_start(struct world *w, const char *kind, const char *params)
{
	struct starting st = starting(w, kind, params);
	struct err err;

	must(store_unit_now(w->disk.store, start_run, &st, &err), &err);
	executor_kick(w->ex, &st.id);
	return st.id;
}

void world_refused(struct world *w, const char *kind, const char *params, const char *error_kind, const char *field)
{
	struct starting st = starting(w, kind, params);
	struct err err;

	ck_assert_int_eq(store_unit_now(w->disk.store, start_run, &st, &err), -1);
	ck_assert_str_eq(err_kind(err.code), error_kind);
	ck_assert_str_eq(err.field, field);
}

json_t *world_plan(struct world *w, const char *kind, const char *params)
{
	struct starting st = starting(w, kind, params);
	struct err err;

	st.req.dry_run = true;
	must(store_rehearse(w->disk.store, start_run, &st, &err), &err);
	return st.plan;
}

static bool at_rest(void *ctx)
{
	struct world *w = ctx;
	unsigned due;
	struct err err;

	must(action_store_backlog(store_view(w->disk.store), clock_now_ms(), 1, &due, &err), &err);
	return executor_idle(w->ex) && due == 0;
}

static void run_until_quiet(struct world *w)
{
	turns_rest(w->loop, at_rest, w, TURN_MS);
}

struct living {
	struct action_id ids[64];
	size_t n;
};

static void note_living(void *ctx, const struct action_row *row)
{
	struct living *l = ctx;

	ck_assert_uint_lt(l->n, ARRAY_LEN(l->ids));
	l->ids[l->n++] = row->id;
}

void world_turn(struct world *w)
{
	struct action_query q = { .filter = ACTIONS_ACTIVE, .limit = 64 };
	struct living l = { .n = 0 };
	struct err err;

	ck_assert_int_ge(action_store_list(store_view(w->disk.store), &w->arena, &q, note_living, &l, &err), 0);
	for (size_t i = 0; i < l.n; i++)
		must(executor_wake(w->ex, &l.ids[i], &err), &err);
	run_until_quiet(w);
}

void world_settle(struct world *w, const struct action_id *id, unsigned max)
{
	run_until_quiet(w);
	for (unsigned i = 0; i < max && !action_status_is_final(world_row(w, id).status); i++)
		world_turn(w);
}

struct answered {
	bool yes;
	struct err err;
};

static void cancel_answered(void *ctx, const struct err *err)
{
	struct answered *a = ctx;

	a->yes = true;
	err_clear(&a->err);
	if (err)
		a->err = *err;
}

const char *world_cancel(struct world *w, const struct action_id *id)
{
	struct answered a = { .yes = false };

	executor_cancel(w->ex, id, cancel_answered, &a);
	run_until_quiet(w);
	ck_assert(a.yes);
	return a.err.code == ERR_NONE ? NULL : err_kind(a.err.code);
}

struct action_row world_row(struct world *w, const struct action_id *id)
{
	struct action_row row;
	struct err err;

	must(action_store_get(store_view(w->disk.store), &w->arena, id, &row, &err), &err);
	return row;
}

json_t *world_result(struct world *w, const struct action_id *id)
{
	struct action_row row = world_row(w, id);
	struct err err;
	json_t *v;

	ck_assert_ptr_nonnull(row.result);
	must(json_parse(&w->arena, bytes_of(row.result), JSON_DEPTH_MAX, &v, &err), &err);
	return v;
}

json_t *world_progress(struct world *w, const struct action_id *id)
{
	struct action_row row = world_row(w, id);

	return executor_progress(w->ex, &w->arena, &row, true);
}

/* --- money --- */

void world_issue(struct world *w, uint64_t amount)
{
	struct action_id id = world_start(
		w, "cashu_issue",
		arena_printf(&w->arena, "{\"mint\":\"%s\",\"amount\":%llu}", w->url, (unsigned long long)amount));

	world_settle(w, &id, 3);
	ck_assert_str_eq(action_status_name(world_row(w, &id).status), "done");
}

static const struct mint_keyset *sat_keyset(struct world *w)
{
	for (size_t i = 0; i < w->mint.n_keysets; i++)
		if (w->mint.keysets[i]->pub.active && strcmp(w->mint.keysets[i]->pub.unit.s, "sat") == 0)
			return w->mint.keysets[i];
	ck_abort_msg("the mint has no keyset for sat");
}

static void sign_for(struct world *w, const struct mint_keyset *ks, const struct output *out, struct promise *ret)
{
	struct mint_output *o = mint_output(&w->mint, &out->b);

	ck_assert(mint_sign(ks, out->amount, &out->b, &o->promise));
	o->is_signed = true;
	*ret = o->promise;
}

char *world_token_of(struct world *w, const char *const *secrets, const uint64_t *amounts, const char *witness,
		     enum token_dleq dleq)
{
	const struct mint_keyset *ks = sat_keyset(w);
	struct token t = { .mint = w->url, .has_unit = true, .unit = ks->pub.unit, .memo = "from a suite" };
	struct err err;
	char *text;

	while (amounts[t.n])
		t.n++;
	struct output *outputs = ARENA_ARRAY(&w->arena, t.n, struct output);
	struct promise *promises = ARENA_ARRAY(&w->arena, t.n, struct promise);
	for (size_t i = 0; i < t.n; i++) {
		struct secret r;
		struct hash32 h;

		sha256(bytes_of(secrets[i]), &h);
		memcpy(r.b, h.b, sizeof(r.b));
		must(output_make(&w->arena, &ks->pub.id, amounts[i], secrets[i], &r, OUTPUT_KEEP, -1, &outputs[i],
				 &err),
		     &err);
		sign_for(w, ks, &outputs[i], &promises[i]);
		w->mint.sums[0].issued += amounts[i];
	}
	must(promises_check_and_unblind(&w->arena, outputs, t.n, promises, t.n, &ks->pub, 1, true, &t.proofs, &err),
	     &err);
	for (size_t i = 0; i < t.n; i++) {
		t.proofs[i].dleq.present = dleq != DLEQ_NONE;
		t.proofs[i].witness = witness;
	}
	if (dleq == DLEQ_BAD)
		t.proofs[t.n - 1].dleq.s.b[31] ^= 1;
	must(token_encode_v4(&w->arena, &t, &ks->pub.id, 1, &text, &err), &err);
	return text;
}

char *world_token(struct world *w, const char *seed, const uint64_t *amounts, enum token_dleq dleq)
{
	const char *secrets[CASHU_LIST_MAX];

	for (size_t i = 0; amounts[i]; i++) {
		struct hash32 h;
		char *hex = arena_alloc(&w->arena, 65);

		sha256(bytes_of(arena_printf(&w->arena, "%s %zu", seed, i)), &h);
		hex_encode(h.b, sizeof(h.b), hex);
		secrets[i] = hex;
	}
	return world_token_of(w, secrets, amounts, NULL, dleq);
}

void world_spend_proof(struct world *w, const struct proof *p)
{
	struct mint_note *note = mint_note(&w->mint, &p->y);

	ck_assert_int_eq(note->state, NOTE_UNSPENT);
	note->state = NOTE_SPENT;
	note->c = p->c;
	w->mint.sums[0].redeemed += p->amount;
}

void world_spend(struct world *w, const char *token, size_t n)
{
	struct token t;
	struct err err;

	must(token_decode(&w->arena, bytes_of(token), &t, &err), &err);
	ck_assert_uint_le(n, t.n);
	for (size_t i = 0; i < n; i++)
		world_spend_proof(w, &t.proofs[i]);
}

/* Where the wallet stands in its counters, without moving it. */
static int next_counter(struct unit *u, void *ctx, struct err *err)
{
	struct starting *st = ctx;
	int64_t at;

	if (keyset_counter_take(u, &sat_keyset(st->w)->pub.id, 1, &at, err) != 0)
		return -1;
	st->plan = json_hold(&st->w->arena, json_integer(at));
	return 0;
}

void world_used_before(struct world *w, unsigned n, uint64_t amount)
{
	const struct mint_keyset *ks = sat_keyset(w);
	struct starting st = { .w = w };
	struct err err;

	must(store_rehearse(w->disk.store, next_counter, &st, &err), &err);
	for (unsigned i = 0; i < n; i++) {
		int64_t counter = json_integer_value(st.plan) + i;
		char text[KEYRING_SECRET_TEXT];
		struct promise ignored;
		struct output out;
		struct secret r;

		must(keyring_cashu_output(w->keys, &ks->pub.id, (uint64_t)counter, text, &r, &err), &err);
		must(output_make(&w->arena, &ks->pub.id, amount, text, &r, OUTPUT_KEEP, counter, &out, &err), &err);
		sign_for(w, ks, &out, &ignored);
	}
}

/* --- looking --- */

unsigned world_asked(const struct world *w, const char *path)
{
	unsigned n = 0;

	for (size_t i = 0; i < w->n_asked; i++)
		n += text_starts(w->asked[i].path, path);
	return n;
}

const struct asked *world_nth(const struct world *w, const char *path, unsigned nth)
{
	for (size_t i = 0; i < w->n_asked; i++)
		if (text_starts(w->asked[i].path, path) && --nth == 0)
			return &w->asked[i];
	ck_abort_msg("the mint was asked for %s less often", path);
}

bool world_same_bytes(const struct world *w, const char *path, unsigned a, unsigned b)
{
	return bytes_equal(world_nth(w, path, a)->body, world_nth(w, path, b)->body);
}

int64_t world_account(struct world *w, enum account acc)
{
	struct account_total *totals;
	int64_t sum = 0;
	struct err err;
	size_t n;

	must(movement_totals(store_view(w->disk.store), &w->arena, &totals, &n, &err), &err);
	for (size_t i = 0; i < n; i++)
		if (strcmp(totals[i].unit.s, "sat") == 0)
			sum += totals[i].total[acc];
	return sum;
}

int64_t world_total(struct world *w)
{
	return world_account(w, ACCOUNT_SPENDABLE) + world_account(w, ACCOUNT_LOCKED) + world_account(w, ACCOUNT_SENT);
}

void world_check(struct world *w, int64_t elsewhere)
{
	struct err err;

	must(movement_audit(store_view(w->disk.store), &err), &err);
	ck_assert_uint_eq(w->mint.outputs_reused, 0);
	ck_assert_uint_eq(w->mint.secrets_reused, 0);
	ck_assert_uint_eq(w->mint.dleq_leaked, 0);
	ck_assert_int_eq(world_total(w) + elsewhere, (int64_t)(w->mint.sums[0].issued - w->mint.sums[0].redeemed));
}

static void count_event(void *ctx, const struct event *e)
{
	(void)e;
	++*(unsigned *)ctx;
}

unsigned world_events(struct world *w, const char *kind)
{
	unsigned n = 0;
	int64_t cursor;
	struct err err;

	ck_assert_int_ge(
		event_list(store_view(w->disk.store), &w->arena, 0, kind, 1000, count_event, &n, &cursor, &err), 0);
	return n;
}
