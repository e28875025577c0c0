/* actions/cashu_issue.c - ecash for an invoice: quote, wait until it is paid, have the mint sign.  NUT-04, NUT-20,
 * spec/cashu.md 4.8.
 *
 *   syncing → quote → awaiting_payment → secrets_prepared → mint_requested → done
 *                          ↑                   ↑ not executed     │ any doubt
 *                          └── not paid ── quote_check ←──────────┤
 *                                              └ issued → restoring → done
 *
 * A paid quote is never forgotten: the action ends without ecash only when the quote expired unpaid a day ago, when it
 * was cancelled while the mint said that it is unpaid, or when the mint issued it to somebody else. */
#include <inttypes.h>
#include <string.h>

#include "actions/cashu_exchange.h"
#include "actions/cashu_limit.h"
#include "actions/ecash.h"
#include "actions/kinds.h"
#include "base/backoff.h"
#include "rails/cashu/cashu_error.h"
#include "rails/cashu/issue.h"
#include "rails/cashu/mint_info.h"
#include "rails/cashu/mint_quote.h"
#include "rails/cashu/output.h"
#include "rails/cashu/promise.h"
#include "rails/cashu/restore.h"
#include "rails/keys/keyring.h"
#include "store/event_store.h"
#include "store/key_index_store.h"
#include "store/quote_store.h"

enum issue_state { /* stored: append, never renumber */
		   ISSUE_SYNCING = 1,
		   ISSUE_QUOTE = 2,
		   ISSUE_AWAITING_PAYMENT = 3,
		   ISSUE_SECRETS_PREPARED = 4,
		   ISSUE_MINT_REQUESTED = 5,
		   ISSUE_QUOTE_CHECK = 6,
		   ISSUE_RESTORING = 7
};

#define DAY_MS      (24 * 3600 * 1000)
#define CANCEL_WAIT 1 /* ask the mint at once when a cancel was asked for */
/* So many refusals of a paid quote are looked into at once: a keyset may have changed, or counters may have to pass those
 * of another life.  A mint that goes on refusing is asked ever more seldom. */
#define REFUSALS_AT_ONCE 8

/* In a row, before the quote counts as issued to somebody else; with the back-off, some minutes. */
#define EMPTY_ANSWERS 8

/* In a row, that the mint has our outputs in hand, before others are drawn for the same quote; with the back-off, more than
 * two minutes.  Where nutshell was cut off between storing outputs and signing them, it says so for ever. */
#define HELD_ANSWERS 8

/* In a row, that the quote is pending, before the mint is asked what it has signed.  Where nutshell was cut off between signing
 * and saying so, it is pending for ever. */
#define PENDING_ANSWERS 8

struct issue {
	struct cashu_place at;
	uint64_t amount;
	const char *description;
	const char *quote;   /* the mint's id; NULL before there is one */
	const char *request; /* the invoice */
	int64_t expiry_s;
	int64_t quoted_at_ms;
	int64_t key_index; /* NUT-20, -1 none */
	bool legacy;       /* sign the older message */
	bool cancelling;   /* end as soon as the mint says that the quote is unpaid */
	bool taken_up;     /* a quote of an earlier action, named by the user */
	bool issued;       /* the mint says so, and we look for the signatures */
	bool unanswered;   /* nobody knows what became of a copy of the request */
	bool foreign;      /* it knows signatures, but had not issued the quote: its next word decides what they are */
	uint32_t rebuilds;
	uint32_t refusals; /* in a row, of the paid quote: each makes the pause longer */
	uint32_t held;     /* of them the last ones, which said that our outputs are in use by another request */
	uint32_t pending;  /* in a row: the quote is said to be pending, after our request */
};

static json_t *issue_save(struct step *s)
{
	const struct issue *m = s->checkpoint;
	json_t *cp = json_object_in(s->arena);

	cashu_place_save(cp, &m->at);
	json_set_u64(cp, "amount", m->amount);
	json_set_str(cp, "description", m->description);
	json_set_str(cp, "quote", m->quote);
	json_set_str(cp, "request", m->request);
	json_set_int(cp, "expiry_s", m->expiry_s);
	json_set_int(cp, "quoted_at_ms", m->quoted_at_ms);
	json_set_int(cp, "key_index", m->key_index);
	json_set_bool(cp, "legacy", m->legacy);
	json_set_bool(cp, "cancelling", m->cancelling);
	json_set_bool(cp, "taken_up", m->taken_up);
	json_set_bool(cp, "issued", m->issued);
	json_set_bool(cp, "unanswered", m->unanswered);
	json_set_bool(cp, "foreign", m->foreign);
	json_set_u64(cp, "rebuilds", m->rebuilds);
	json_set_u64(cp, "refusals", m->refusals);
	json_set_u64(cp, "held", m->held);
	json_set_u64(cp, "pending", m->pending);
	return cp;
}

static int issue_load(struct step *s, const json_t *cp, struct err *err)
{
	struct issue *m = ARENA_NEW(s->arena, struct issue);
	uint64_t rebuilds, refusals, held = 0, pending = 0;

	s->checkpoint = m;
	if (cashu_place_load(cp, &m->at, err) != 0 || json_get_u64(cp, "amount", AMOUNT_MAX, &m->amount, err) != 0 ||
	    json_opt_str(cp, "description", MINT_QUOTE_DESCRIPTION_MAX, &m->description, err) != 0 ||
	    json_opt_str(cp, "quote", QUOTE_ID_MAX, &m->quote, err) != 0 ||
	    json_opt_str(cp, "request", MINT_QUOTE_REQUEST_MAX, &m->request, err) != 0 ||
	    json_get_i64(cp, "expiry_s", &m->expiry_s, err) != 0 ||
	    json_get_i64(cp, "quoted_at_ms", &m->quoted_at_ms, err) != 0 ||
	    json_get_i64(cp, "key_index", &m->key_index, err) != 0 ||
	    json_get_bool(cp, "legacy", &m->legacy, err) != 0 ||
	    json_get_bool(cp, "cancelling", &m->cancelling, err) != 0 ||
	    json_get_bool(cp, "taken_up", &m->taken_up, err) != 0 ||
	    json_get_bool(cp, "issued", &m->issued, err) != 0 || json_get_bool(cp, "foreign", &m->foreign, err) != 0 ||
	    json_get_u64(cp, "rebuilds", UINT32_MAX, &rebuilds, err) != 0 ||
	    json_get_u64(cp, "refusals", UINT32_MAX, &refusals, err) != 0 ||
	    json_opt_bool(cp, "unanswered", &m->unanswered, err) != 0 || /* older checkpoints know nothing of it */
	    json_opt_u64(cp, "held", UINT32_MAX, &held, err) != 0 ||
	    json_opt_u64(cp, "pending", UINT32_MAX, &pending, err) != 0)
		return -1;
	m->rebuilds = (uint32_t)rebuilds;
	m->refusals = (uint32_t)refusals;
	m->held = (uint32_t)held;
	m->pending = (uint32_t)pending;
	return 0;
}

static struct cashu_place *issue_place(struct step *s)
{
	return &((struct issue *)s->checkpoint)->at;
}

static struct ecash issue_amount(const struct issue *m)
{
	struct ecash e = ecash_zero(m->at.unit);

	/* Checked when it was started. */
	if (!ecash_make(m->amount, m->at.unit, &e))
		return ecash_zero(m->at.unit);
	return e;
}

/* --- start --- */

static int check_limits(struct step *s, const struct mint_row *mint, const struct issue *m, struct err *err)
{
	struct mint_info info;
	const struct mint_method *method;

	if (mint_info_parse(s->arena, bytes_of(mint->info), &info, err) != 0)
		return -1;
	method = mint_info_issue_method(&info, m->at.unit);
	if (info.issue_disabled || !method) {
		ERR(err, ERR_UNIT, "%s issues no %s over Lightning", mint->url, m->at.unit.s);
		err_hint(err, "mint.list shows the mints, and the units of each");
		return err_field(err, "unit");
	}
	if (m->amount >= method->min && m->amount <= method->max)
		return 0;
	ERR(err, ERR_RANGE, "%s issues %" PRIu64 " to %" PRIu64 " %s at once", mint->url, method->min, method->max,
	    m->at.unit.s);
	return err_field(err, "amount");
}

/* Without a lock, the id of a paid quote is bearer money, and parameters are shown to whoever may read. */
static int hide_quote(struct step *s, struct err *err)
{
	json_t *shown;

	if (json_parse(s->arena, bytes_of(s->row.params), JSON_DEPTH_MAX, &shown, err) != 0)
		return -1;
	json_set_str(shown, "quote", "(not shown)");
	s->row.params = json_text(s->arena, shown);
	return 0;
}

/* Take up a quote of an earlier action that ended before it was paid. */
static int claim_quote(struct step *s, struct issue *m, struct err *err)
{
	struct mint_quote_row row;

	if (quote_store_get(s->view, s->arena, m->at.mint_id, m->quote, &row, err) != 0) {
		if (err->code != ERR_NOT_FOUND)
			return -1;
		ERR(err, ERR_NOT_FOUND, "this wallet has no such quote at %s", m->at.mint);
		err_hint(err, "an amount instead of quote makes a new one");
		return err_field(err, "quote");
	}
	if (row.state == QUOTE_ISSUED) {
		ERR(err, ERR_QUOTE_ISSUED, "the quote was issued already");
		err_hint(err, "history shows what came of it");
		return err_field(err, "quote");
	}
	m->amount = ecash_value(row.amount);
	m->at.unit = row.amount.unit;
	m->request = row.request;
	m->expiry_s = row.expiry_s;
	m->key_index = row.key_index;
	m->quoted_at_ms = s->now_ms;
	m->taken_up = true;
	if (m->key_index < 0 && hide_quote(s, err) != 0)
		return -1;
	if (quote_store_hold(s->unit, m->at.mint_id, m->quote, &s->row.id, err) == 0)
		return 0;
	return err->code == ERR_EXISTS ? err_field(err, "quote") : -1;
}

static int issue_start(struct step *s, const json_t *params, struct err *err)
{
	struct issue *m = ARENA_NEW(s->arena, struct issue);
	struct mint_row mint;
	const char *url;

	s->checkpoint = m;
	m->key_index = -1;
	if (json_get_str(params, "mint", MINT_URL_MAX, &url, err) != 0 ||
	    ecash_mint_find(s->view, s->arena, url, &mint, err) != 0 ||
	    cashu_unit_param(params, &m->at.unit, err) != 0 ||
	    json_opt_u64(params, "amount", AMOUNT_MAX, &m->amount, err) != 0 ||
	    json_opt_str(params, "description", MINT_QUOTE_DESCRIPTION_MAX, &m->description, err) != 0 ||
	    json_opt_str(params, "quote", QUOTE_ID_MAX, &m->quote, err) != 0)
		return -1;
	m->at.mint = mint.url;
	m->at.mint_id = mint.id;
	s->row.peer = mint.url;
	m->legacy = mint.quote_legacy;
	if (m->quote) {
		if (claim_quote(s, m, err) != 0)
			return -1;
	} else if (m->amount == 0) {
		ERR(err, ERR_PARAM, "say how much: an amount of at least 1");
		return err_field(err, "amount");
	} else if (!mint.trusted) {
		ERR(err, ERR_MINT_UNKNOWN, "the mint %s is not trusted", mint.url);
		err_hint(err, "mint.set url=%s trusted=true", mint.url);
		return err_field(err, "mint");
	} else if (check_limits(s, &mint, m, err) != 0) {
		return -1;
	} else if (cashu_limit_check(s, &m->at, m->amount, err) != 0) {
		return err_field(err, "amount");
	}
	json_set_str(s->plan, "mint", m->at.mint);
	json_set_str(s->plan, "unit", m->at.unit.s);
	json_set_u64(s->plan, "amount", m->amount);
	json_set_u64(s->plan, "fee", 0);
	return ISSUE_SYNCING;
}

static struct outcome syncing_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct issue *m = s->checkpoint;
	int next = m->quote ? ISSUE_AWAITING_PAYMENT : ISSUE_QUOTE;

	(void)rep;
	return cashu_sync(s, &m->at, next, err);
}

/* --- quote --- */

/* The key that locks the quote is drawn, durably, before the mint hears of it: a lost answer loses only a quote that
 * nobody can pay. */
static int quote_prepare(struct step *s, struct err *err)
{
	struct issue *m = s->checkpoint;
	struct mint_row mint;

	if (mint_store_by_id(s->view, s->arena, m->at.mint_id, &mint, err) != 0)
		return -1;
	if (m->key_index >= 0 || !mint.quote_locks)
		return 0;
	return key_index_take(s->unit, "cashu_quote", &m->key_index, err);
}

static int quote_enter(struct step *s, struct net_request *ret, struct err *err)
{
	const struct issue *m = s->checkpoint;
	struct pubkey key;

	if (m->key_index >= 0 && keyring_cashu_quote_key(s->keys, (uint32_t)m->key_index, &key, err) != 0)
		return -1;
	return mint_quote_request(s->arena, m->at.mint, issue_amount(m), m->description,
				  m->key_index >= 0 ? &key : NULL, ret, err);
}

static struct outcome quote_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct issue *m = s->checkpoint;
	struct mint_quote q;
	struct mint_quote_row row;

	if (mint_quote_decode(s->arena, rep, issue_amount(m), NULL, &q, err) != 0)
		return outcome_trouble(err);
	row = (struct mint_quote_row){
		.mint_id = m->at.mint_id,
		.id = q.id,
		.amount = q.amount,
		.request = q.request,
		.state = QUOTE_UNPAID,
		.expiry_s = q.expiry_s,
		.key_index = m->key_index,
		.holder = s->row.id,
		.created_at_ms = s->now_ms,
		.updated_at_ms = s->now_ms,
	};
	if (quote_store_add(s->unit, &row, err) != 0)
		return outcome_trouble(err);
	m->quote = q.id;
	m->request = q.request;
	m->expiry_s = q.expiry_s;
	m->quoted_at_ms = s->now_ms;
	if (event_append(s->unit, "quote.created", s->row.id.s, "{}", err) != 0)
		return outcome_trouble(err);
	return outcome_park(ISSUE_AWAITING_PAYMENT, s->now_ms + 200);
}

/* --- awaiting payment --- */

static int quote_ask(struct step *s, struct net_request *ret, struct err *err)
{
	const struct issue *m = s->checkpoint;

	(void)err;
	mint_quote_check_request(s->arena, m->at.mint, m->quote, ret);
	return 0;
}

/* Spec 6.5, quicker in the first seconds, for the payer who stands at the till. */
static int64_t poll_ms(const struct issue *m, int64_t now_ms)
{
	int64_t age = now_ms - m->quoted_at_ms;

	if (age < 0) /* the clock was set back: nobody knows, and it may be years until it is here again */
		return 30 * 1000;
	if (age < 2000)
		return 250;
	if (age < 30 * 1000)
		return 2000;
	if (age < 90 * 1000)
		return 5000;
	if (m->expiry_s ? now_ms > m->expiry_s * 1000 + 600 * 1000 : age > DAY_MS)
		return 3600 * 1000;
	return 30 * 1000;
}

static int set_quote_state(struct step *s, enum quote_state state, struct err *err)
{
	const struct issue *m = s->checkpoint;

	return quote_store_set_state(s->unit, m->at.mint_id, m->quote, state, s->now_ms, err);
}

static struct outcome unpaid(struct step *s, struct err *err)
{
	struct issue *m = s->checkpoint;
	struct err why;

	(void)err;
	if (m->cancelling) {
		ERR(&why, ERR_CANCELLED, "cancelled while the invoice was unpaid");
		err_hint(&why, "if it is paid later: action.start cashu_issue with quote=%s", m->quote);
		return outcome_cancelled(&why);
	}
	/* A payment may still be on its way when the invoice expires; not when the user comes back for it afterwards. */
	if (m->expiry_s && s->now_ms > m->expiry_s * 1000 + (m->taken_up ? 0 : DAY_MS)) {
		ERR(&why, ERR_QUOTE_EXPIRED, "the invoice expired unpaid");
		return outcome_failed(&why, "no");
	}
	return outcome_park(ISSUE_AWAITING_PAYMENT, s->now_ms + poll_ms(m, s->now_ms));
}

static struct outcome paid(struct step *s, struct err *err)
{
	if (set_quote_state(s, QUOTE_PAID, err) != 0 ||
	    event_append(s->unit, "quote.paid", s->row.id.s, "{}", err) != 0)
		return outcome_trouble(err);
	return outcome_next(ISSUE_SECRETS_PREPARED);
}

/* Both states that ask about the quote read the answer here; checked: after a mint request whose end is unknown. */
static struct outcome quote_answer(struct step *s, const struct net_reply *rep, bool checked, struct err *err)
{
	struct issue *m = s->checkpoint;
	struct cashu_mint mint;
	struct mint_quote q;

	if (mint_quote_decode(s->arena, rep, issue_amount(m), m->quote, &q, err) != 0)
		return outcome_trouble(err);
	if (cashu_mint_load(s, &m->at, &mint, err) != 0 || cashu_mint_well(s, &mint.row, err) != 0)
		return outcome_trouble(err);
	m->pending = checked && q.state == QUOTE_PENDING ? m->pending + 1 : 0;
	switch (q.state) {
	case QUOTE_PAID:
		if (!checked)
			return paid(s, err);
		m->issued = false;
		return outcome_next(ISSUE_RESTORING);
	case QUOTE_ISSUED:
		if (set_quote_state(s, QUOTE_ISSUED, err) != 0)
			return outcome_trouble(err);
		m->issued = true;
		return outcome_next(ISSUE_RESTORING);
	case QUOTE_UNPAID:
		return unpaid(s, err);
	case QUOTE_PENDING:
		if (m->pending < PENDING_ANSWERS)
			break;
		m->issued = false;
		return outcome_next(ISSUE_RESTORING);
	case QUOTE_UNKNOWN:
		break;
	}
	return outcome_park(s->row.state, s->now_ms + poll_ms(m, s->now_ms));
}

static struct outcome awaiting_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	return quote_answer(s, rep, false, err);
}

static struct outcome quote_check_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	return quote_answer(s, rep, true, err);
}

/* --- secrets --- */

static struct outcome secrets_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct issue *m = s->checkpoint;
	struct cashu_mint mint;
	const struct keyset *ks;
	struct output *have;
	struct split split;
	size_t n;

	(void)rep;
	if (m->at.stale)
		return outcome_next(ISSUE_SYNCING);
	/* The mint took back that it was paid, and now it is again: what was drawn is still good. */
	if (output_store_open(s->view, s->arena, &s->row.id, OUTPUT_OPEN, &have, &n, err) != 0)
		return outcome_trouble(err);
	if (n)
		return outcome_next(ISSUE_MINT_REQUESTED);
	if (cashu_mint_load(s, &m->at, &mint, err) != 0)
		return outcome_trouble(err);
	if (cashu_output_keyset(s, &mint, m->at.unit, &ks, err) != 0 ||
	    split_amount(s->arena, ks, m->amount, &split, err) != 0) {
		/* Paid for: it waits until the mint has keys for it again. */
		struct outcome o = outcome_retry(s, err);

		m->at.stale = true;
		o.state = ISSUE_SYNCING;
		return o;
	}
	struct cashu_draw *draw = ARENA_ARRAY(s->arena, split.n, struct cashu_draw);
	for (size_t i = 0; i < split.n; i++)
		draw[i] = (struct cashu_draw){ split.v[i], OUTPUT_KEEP };
	if (cashu_outputs_draw(s, m->at.mint_id, ks, draw, split.n, err) != 0)
		return outcome_trouble(err);
	return outcome_next(ISSUE_MINT_REQUESTED);
}

/* --- mint --- */

static int mint_enter(struct step *s, struct net_request *ret, struct err *err)
{
	const struct issue *m = s->checkpoint;
	struct output *outputs;
	struct hash32 msg;
	uint8_t sig[64];
	size_t n;

	if (output_store_open(s->view, s->arena, &s->row.id, OUTPUT_OPEN, &outputs, &n, err) != 0)
		return -1;
	if (m->key_index >= 0) {
		if (m->legacy)
			issue_message_legacy(m->quote, outputs, n, &msg);
		else
			issue_message_v1(m->quote, outputs, n, &msg);
		if (keyring_cashu_quote_sign(s->keys, (uint32_t)m->key_index, &msg, sig, err) != 0)
			return -1;
	}
	return issue_request(s->arena, m->at.mint, m->quote, outputs, n, m->key_index >= 0 ? sig : NULL, ret, err);
}

static struct outcome issue_finish(struct step *s, const struct output *outputs, size_t n,
				   const struct promise *promises, size_t n_promises, struct err *err)
{
	struct issue *m = s->checkpoint;
	struct movement mv = movement_begin(s->unit, &s->row.id, "ecash", "issue", m->at.mint_id, m->at.unit,
					    s->now_ms);
	json_t *result = json_object_in(s->arena);
	struct cashu_mint mint;
	struct proof *proofs;

	mv.note = m->description;
	if (cashu_mint_load(s, &m->at, &mint, err) != 0 ||
	    promises_check_and_unblind(s->arena, outputs, n, promises, n_promises, mint.keysets, mint.n, mint.row.dleq,
				       &proofs, err) != 0 ||
	    proof_store_add(&mv, proofs, n, PROOF_SPENDABLE, NULL, ACCOUNT_OUTSIDE,
			    exchange_counters(s->arena, outputs, n), err) != 0 ||
	    movement_post(&mv, err) != 0 || set_quote_state(s, QUOTE_ISSUED, err) != 0 ||
	    output_store_close(s->unit, &s->row.id, OUTPUT_SIGNED, err) != 0 || cashu_mint_well(s, &mint.row, err) != 0)
		return outcome_trouble(err);
	json_set_str(result, "mint", m->at.mint);
	json_set_str(result, "unit", m->at.unit.s);
	json_set_u64(result, "amount", m->amount);
	json_set_u64(result, "fee", 0);
	json_set_str(result, "request", m->request);
	return outcome_done(result);
}

/* The mint answered nonsense: whether it signed is unknown.  Its quote and its memory of signatures decide. */
static struct outcome misbehaved(struct step *s, const struct err *why, struct err *err)
{
	struct issue *m = s->checkpoint;

	if (mint_store_set_trouble(s->unit, m->at.mint_id, err_kind(why->code), s->now_ms, err) != 0)
		return outcome_trouble(err);
	log_error(&s->log, "cashu.mint_misbehaved", F_STR("mint", m->at.mint), F_ERR(why));
	m->foreign = false;
	m->refusals++;
	return outcome_park_error(ISSUE_QUOTE_CHECK, s->now_ms + backoff_ms(m->refusals), why);
}

static struct outcome mint_refused(struct step *s, const struct err *why, struct err *err)
{
	struct issue *m = s->checkpoint;
	struct mint_row mint;
	int64_t pause_ms, poll = poll_ms(m, s->now_ms);

	if (why->peer_code == CASHU_QUOTE_SIGNATURE && !m->legacy && m->key_index >= 0) {
		/* 20008: nothing was issued.  An older mint: the same outputs under the older message. */
		m->legacy = true;
		if (mint_store_by_id(s->view, s->arena, m->at.mint_id, &mint, err) != 0)
			return outcome_trouble(err);
		mint.quote_legacy = true;
		if (mint_store_update(s->unit, &mint, err) != 0)
			return outcome_trouble(err);
		return outcome_next(ISSUE_MINT_REQUESTED);
	}
	m->refusals++;
	m->held = why->peer_code == CASHU_OUTPUTS_PENDING ? m->held + 1 : 0;
	pause_ms = m->refusals <= REFUSALS_AT_ONCE ? 0 : backoff_ms(m->refusals - REFUSALS_AT_ONCE);
	if (why->peer_code == CASHU_QUOTE_NOT_PAID) {
		if (set_quote_state(s, QUOTE_UNPAID, err) != 0)
			return outcome_trouble(err);
		return outcome_park(ISSUE_AWAITING_PAYMENT, s->now_ms + (pause_ms > poll ? pause_ms : poll));
	}
	if (cashu_verdict(why) == CASHU_REBUILD)
		m->at.stale = true;
	/* Whatever the code says: it is paid for.  The mint's own view of the quote decides. */
	log_warn(&s->log, "cashu.issue_refused", F_INT("code", why->peer_code), F_ERR(why));
	m->foreign = false;
	return outcome_park_error(ISSUE_QUOTE_CHECK, s->now_ms + pause_ms, why);
}

static struct outcome mint_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	const struct issue *m = s->checkpoint;
	struct promise *promises;
	struct output *outputs;
	struct outcome o;
	size_t n, n_promises;
	struct err why;

	if (promises_decode(s->arena, rep, &promises, &n_promises, &why) == 0) {
		if (output_store_open(s->view, s->arena, &s->row.id, OUTPUT_OPEN, &outputs, &n, err) != 0)
			return outcome_trouble(err);
		o = issue_finish(s, outputs, n, promises, n_promises, err);
		if (o.tag != OUTCOME_TROUBLE && m->unanswered && cashu_recovered(s, &m->at, CASHU_BY_REPLAY, err) != 0)
			return outcome_trouble(err);
		return o.tag == OUTCOME_TROUBLE && o.err.code == ERR_PEER_INVALID ? misbehaved(s, &o.err, err) : o;
	}
	if (why.code == ERR_PEER_INVALID)
		return misbehaved(s, &why, err);
	if (why.peer_code < 1000) /* nobody answered, or not the mint: send the same again */
		return outcome_trouble(&why);
	return mint_refused(s, &why, err);
}

/* --- restore --- */

static int restoring_enter(struct step *s, struct net_request *ret, struct err *err)
{
	const struct issue *m = s->checkpoint;
	struct output *outputs;
	size_t n;

	if (output_store_open(s->view, s->arena, &s->row.id, OUTPUT_OPEN, &outputs, &n, err) != 0)
		return -1;
	if (n == 0)
		return NOTHING_TO_ASK;
	return restore_request(s->arena, m->at.mint, outputs, n, ret, err);
}

static struct outcome issued_elsewhere(void)
{
	struct err why;

	ERR(&why, ERR_QUOTE_ISSUED, "the mint issued this quote, but not to this wallet");
	err_hint(&why, "another copy of this wallet may have it; else take it up with the mint");
	return outcome_failed(&why, "unknown");
}

/* Signed while the quote is still to be issued: in another life of this seed.  Or not signed: draw anew, send anew. */
static struct outcome issue_again(struct step *s, const struct output *outputs, size_t n, bool collided,
				  struct err *err)
{
	struct issue *m = s->checkpoint;

	if (n == 0)
		return outcome_next(ISSUE_SECRETS_PREPARED);
	if (!collided && !m->at.stale && m->held < HELD_ANSWERS) {
		struct err why; /* not executed: the same bytes again, after a pause */

		ERR(&why, ERR_PEER_DOWN, "the invoice is paid, and the mint has not issued the ecash so far");
		return outcome_park_error(ISSUE_MINT_REQUESTED, s->now_ms + backoff_ms(m->refusals), &why);
	}
	if (collided && exchange_pass_collision(s, outputs, n, m->rebuilds, err) != 0)
		return outcome_trouble(err);
	if (output_store_close(s->unit, &s->row.id, OUTPUT_ABANDONED, err) != 0)
		return outcome_trouble(err);
	m->rebuilds++;
	m->held = 0;
	m->foreign = false;
	return outcome_next(m->at.stale ? ISSUE_SYNCING : ISSUE_SECRETS_PREPARED);
}

static struct outcome restoring_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct issue *m = s->checkpoint;
	struct restored found = { 0 };
	struct output *outputs;
	struct outcome o;
	size_t n;
	struct err why;

	if (output_store_open(s->view, s->arena, &s->row.id, OUTPUT_OPEN, &outputs, &n, err) != 0)
		return outcome_trouble(err);
	if (rep && restore_decode(s->arena, rep, outputs, n, &found, &why) != 0)
		return why.code == ERR_PEER_INVALID ? misbehaved(s, &why, err) : outcome_trouble(&why);
	if (m->pending) {
		/* All of ours are signed, and for this quote: for another the mint would have refused, and left it as it was. */
		m->issued = n > 0 && found.n == n;
		m->pending = 0;
		if (!m->issued)
			return outcome_park(ISSUE_QUOTE_CHECK, s->now_ms + poll_ms(m, s->now_ms));
	}
	if (!m->issued && found.n > 0 && !m->foreign) {
		/* From another life of this seed; or the request arrived late, after we had asked about the quote. */
		m->foreign = true;
		return outcome_next(ISSUE_QUOTE_CHECK);
	}
	if (!m->issued)
		return issue_again(s, outputs, n, found.n > 0, err);
	if (found.n == 0 && n > 0 && m->refusals < EMPTY_ANSWERS) {
		/* Outputs of ours were at the mint, and it has issued the quote: once is too little to give the money up. */
		ERR(&why, ERR_PEER_INVALID, "the mint says that it issued the quote, and shows no signatures");
		return misbehaved(s, &why, err);
	}
	if (found.n == 0)
		return issued_elsewhere();
	if (found.n < n) {
		ERR(&why, ERR_PEER_INVALID, "the mint signed %zu of %zu outputs of one request", found.n, n);
		return misbehaved(s, &why, err);
	}
	o = issue_finish(s, found.outputs, found.n, found.promises, found.n, err);
	if (o.tag != OUTCOME_TROUBLE && cashu_recovered(s, issue_place(s), CASHU_BY_RESTORE, err) != 0)
		return outcome_trouble(err);
	return o.tag == OUTCOME_TROUBLE && o.err.code == ERR_PEER_INVALID ? misbehaved(s, &o.err, err) : o;
}

/* --- hooks --- */

static struct outcome issue_retry(struct step *s, const struct err *why, struct err *err)
{
	struct issue *m = s->checkpoint;

	if (s->row.state == ISSUE_QUOTE)
		return cashu_quote_retry(s, issue_place(s), why, err);
	if (s->row.state == ISSUE_MINT_REQUESTED)
		m->unanswered = true;
	return cashu_retry(s, issue_place(s), why, err);
}

/* A definite no.  To a request for a quote it ends the action; about a quote that may be paid it does not. */
static struct outcome issue_rejected(struct step *s, const struct err *why, struct err *err)
{
	(void)err;
	return s->row.state == ISSUE_QUOTE ? outcome_failed(why, "no") : outcome_retry(s, why);
}

static struct outcome issue_cancel(struct step *s, struct err *err)
{
	struct issue *m = s->checkpoint;
	struct err why;

	(void)err;
	switch ((enum issue_state)s->row.state) {
	case ISSUE_SYNCING:
	case ISSUE_QUOTE:
		if (m->quote)
			break;
		ERR(&why, ERR_CANCELLED, "cancelled before there was an invoice");
		return outcome_cancelled(&why);
	case ISSUE_AWAITING_PAYMENT:
		m->cancelling = true;
		return outcome_park(ISSUE_AWAITING_PAYMENT, s->now_ms + CANCEL_WAIT);
	case ISSUE_SECRETS_PREPARED:
	case ISSUE_MINT_REQUESTED:
	case ISSUE_QUOTE_CHECK:
	case ISSUE_RESTORING:
		break;
	}
	ERR(&why, ERR_NOT_CANCELLABLE, "the invoice is paid: the ecash is being fetched");
	return outcome_trouble(&why);
}

static json_t *issue_progress(struct step *s, bool secrets)
{
	const struct issue *m = s->checkpoint;
	json_t *v = json_object_in(s->arena);

	json_set_str(v, "mint", m->at.mint);
	json_set_str(v, "unit", m->at.unit.s);
	json_set_u64(v, "amount", m->amount);
	json_set_str(v, "request", m->request);
	json_set_int(v, "expiry_s", m->expiry_s);
	/* The id of a quote that is not locked to our key is bearer money once it is paid. */
	if (secrets || m->key_index >= 0)
		json_set_str(v, "quote", m->quote);
	return v;
}

static const char *issue_explain(struct step *s)
{
	const struct issue *m = s->checkpoint;

	switch ((enum issue_state)s->row.state) {
	case ISSUE_SYNCING:
		return "It asks the mint for its current keysets.";
	case ISSUE_QUOTE:
		return "It asks the mint for an invoice.";
	case ISSUE_AWAITING_PAYMENT:
		return m->cancelling ? "It was cancelled, and ends when the mint says that the invoice is unpaid."
				     : "It waits for its invoice to be paid.";
	case ISSUE_SECRETS_PREPARED:
		return "The invoice is paid; the outputs are being drawn.";
	case ISSUE_MINT_REQUESTED:
		return "The invoice is paid, and the mint was asked to sign; the same bytes are sent until it answers.";
	case ISSUE_QUOTE_CHECK:
		return "The mint's answer was not clear; it asks what became of the quote.";
	case ISSUE_RESTORING:
		return "It asks the mint for signatures that it may have made already.";
	}
	return "";
}

static const struct param issue_params[] = {
	{
		.name = "mint",
		.type = PARAM_STRING,
		.flags = PARAM_REQUIRED,
		.max = MINT_URL_MAX,
		.help = "URL of the mint.",
	},
	{
		.name = "amount",
		.type = PARAM_INT,
		.min = 1,
		.max = INT64_MAX,
		.help = "How much, in the unit; required without quote.",
	},
	{
		.name = "unit",
		.type = PARAM_STRING,
		.max = 15,
		.fallback = "sat",
		.help = "Unit of the ecash.",
	},
	{
		.name = "description",
		.type = PARAM_STRING,
		.max = MINT_QUOTE_DESCRIPTION_MAX,
		.help = "For the payer, in the invoice; mints may leave it out.",
	},
	{
		.name = "quote",
		.type = PARAM_STRING,
		.max = QUOTE_ID_MAX,
		.help = "Take up an earlier quote of this wallet that was paid after its action had ended.",
	},
	{ 0 },
};

static const struct state_def issue_states[] = {
	[ISSUE_SYNCING] = { .name = "syncing", .reply = syncing_reply, .cancellable = true },
	[ISSUE_QUOTE] = { .name = "quote",
			  .prepare = quote_prepare,
			  .enter = quote_enter,
			  .reply = quote_reply,
			  .cancellable = true },
	[ISSUE_AWAITING_PAYMENT] = { .name = "awaiting_payment",
				     .enter = quote_ask,
				     .reply = awaiting_reply,
				     .cancellable = true },
	[ISSUE_SECRETS_PREPARED] = { .name = "secrets_prepared", .reply = secrets_reply },
	[ISSUE_MINT_REQUESTED] = { .name = "mint_requested",
				   .enter = mint_enter,
				   .reply = mint_reply,
				   .uncertain = true, },
	[ISSUE_QUOTE_CHECK] = { .name = "quote_check",
				.enter = quote_ask,
				.reply = quote_check_reply,
				.uncertain = true, },
	[ISSUE_RESTORING] = { .name = "restoring",
			      .enter = restoring_enter,
			      .reply = restoring_reply,
			      .uncertain = true, },
};

const struct action_kind cashu_issue_kind = {
	.name = "cashu_issue",
	.summary = "Receive over Lightning into ecash: the mint gives an invoice, and signs ecash when it is paid.",
	.params = issue_params,
	.states = issue_states,
	.n_states = ARRAY_LEN(issue_states),
	.needs_keys = true,
	.start = issue_start,
	.save = issue_save,
	.load = issue_load,
	.on_retry = issue_retry,
	.on_rejection = issue_rejected,
	.cancel = issue_cancel,
	.progress = issue_progress,
	.explain = issue_explain,
};
