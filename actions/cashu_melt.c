/* actions/cashu_melt.c - paying a Lightning invoice with ecash: what is asked for, the quote, the proofs, the request. */
#include "actions/cashu_melt.h"

#include <inttypes.h>
#include <string.h>

#include "actions/cashu_funds.h"
#include "actions/kinds.h"
#include "base/text.h"
#include "rails/cashu/cashu_error.h"
#include "rails/cashu/mint_info.h"
#include "rails/lightning/bolt11.h"
#include "store/melt_store.h"

/* The usual ceiling for what a payment may cost. */
#define FEE_PPM   20000
#define FEE_LEAST 10 /* of small payments, in sat */

static void save_doubts(json_t *cp, const struct melt *m)
{
	json_set_u64(cp, "sends", m->sends);
	json_set_u64(cp, "unknown", m->unknown);
	json_set_bool(cp, "again", m->again);
	json_set_bool(cp, "doubt", m->doubt);
	json_set_u64(cp, "refusals", m->refusals);
	json_set_u64(cp, "rebuilds", m->rebuilds);
	json_set_u64(cp, "odd", m->odd);
	json_set_int(cp, "last_code", m->last_code);
	json_set_bool(cp, "elsewhere", m->elsewhere);
	json_set_bool(cp, "cancelling", m->cancelling);
	json_set_str(cp, "why", m->why);
	json_set_str(cp, "words", m->words);
	json_set_int(cp, "requested_at_ms", m->requested_at_ms);
	json_set_int(cp, "seen", m->seen);
	json_set_str(cp, "preimage", m->preimage);
	json_set_int(cp, "change_at_ms", m->change_at_ms);
	json_set_u64(cp, "n_signed", m->n_signed);
}

static json_t *melt_save(struct step *s)
{
	const struct melt *m = s->checkpoint;
	json_t *cp = json_object_in(s->arena), *undo = json_object_in(s->arena);

	cashu_place_save(cp, &m->at);
	json_set_str(cp, "invoice", m->invoice);
	json_set_str(cp, "hash", m->hash);
	json_set_u64(cp, "msat", m->msat);
	json_set_bool(cp, "amountless", m->amountless);
	if (m->max_fee != MELT_NO_CEILING)
		json_set_u64(cp, "max_fee", m->max_fee);
	json_set_str(cp, "quote", m->quote);
	json_set_u64(cp, "amount", m->amount);
	json_set_u64(cp, "fee_reserve", m->fee_reserve);
	json_set_int(cp, "expiry_s", m->expiry_s);
	json_set_u64(cp, "inputs", m->inputs);
	json_set_u64(cp, "input_fee", m->input_fee);
	json_set_u64(cp, "blanks_at", m->blanks.first);
	json_set_u64(cp, "blanks", m->blanks.n);
	save_doubts(cp, m);
	exchange_save(undo, &m->undo);
	json_set(cp, "undo", undo);
	return cp;
}

static int load_u32(const json_t *from, const char *name, uint32_t *ret, struct err *err)
{
	uint64_t v;

	if (json_get_u64(from, name, UINT32_MAX, &v, err) != 0)
		return -1;
	*ret = (uint32_t)v;
	return 0;
}

static int load_doubts(const json_t *cp, struct melt *m, struct err *err)
{
	uint32_t code, seen;

	if (load_u32(cp, "sends", &m->sends, err) != 0 || load_u32(cp, "unknown", &m->unknown, err) != 0 ||
	    json_get_bool(cp, "again", &m->again, err) != 0 || json_get_bool(cp, "doubt", &m->doubt, err) != 0 ||
	    load_u32(cp, "refusals", &m->refusals, err) != 0 || load_u32(cp, "rebuilds", &m->rebuilds, err) != 0 ||
	    load_u32(cp, "odd", &m->odd, err) != 0 || load_u32(cp, "last_code", &code, err) != 0 ||
	    json_get_bool(cp, "elsewhere", &m->elsewhere, err) != 0 ||
	    json_get_bool(cp, "cancelling", &m->cancelling, err) != 0 ||
	    json_opt_str(cp, "why", ERR_MSG_MAX, &m->why, err) != 0 ||
	    json_opt_str(cp, "words", ERR_MSG_MAX, &m->words, err) != 0 ||
	    json_get_i64(cp, "requested_at_ms", &m->requested_at_ms, err) != 0 ||
	    load_u32(cp, "seen", &seen, err) != 0 ||
	    json_opt_str(cp, "preimage", MELT_PREIMAGE_MAX, &m->preimage, err) != 0 ||
	    json_get_i64(cp, "change_at_ms", &m->change_at_ms, err) != 0 ||
	    load_u32(cp, "n_signed", &m->n_signed, err) != 0)
		return -1;
	m->last_code = (int)code;
	m->seen = (enum quote_state)seen;
	return 0;
}

static int melt_load(struct step *s, const json_t *cp, struct err *err)
{
	struct melt *m = ARENA_NEW(s->arena, struct melt);

	s->checkpoint = m;
	m->max_fee = MELT_NO_CEILING;
	if (cashu_place_load(cp, &m->at, err) != 0 ||
	    json_get_str(cp, "invoice", BOLT11_TEXT_MAX, &m->invoice, err) != 0 ||
	    json_get_str(cp, "hash", 64, &m->hash, err) != 0 ||
	    json_get_u64(cp, "msat", AMOUNT_MAX, &m->msat, err) != 0 ||
	    json_get_bool(cp, "amountless", &m->amountless, err) != 0 ||
	    json_opt_u64(cp, "max_fee", AMOUNT_MAX, &m->max_fee, err) != 0 ||
	    json_opt_str(cp, "quote", QUOTE_ID_MAX, &m->quote, err) != 0 ||
	    json_get_u64(cp, "amount", AMOUNT_MAX, &m->amount, err) != 0 ||
	    json_get_u64(cp, "fee_reserve", AMOUNT_MAX, &m->fee_reserve, err) != 0 ||
	    json_get_i64(cp, "expiry_s", &m->expiry_s, err) != 0 ||
	    json_get_u64(cp, "inputs", AMOUNT_MAX, &m->inputs, err) != 0 ||
	    json_get_u64(cp, "input_fee", AMOUNT_MAX, &m->input_fee, err) != 0 ||
	    load_u32(cp, "blanks_at", &m->blanks.first, err) != 0 || load_u32(cp, "blanks", &m->blanks.n, err) != 0 ||
	    load_doubts(cp, m, err) != 0)
		return -1;
	return exchange_load(s->arena, json_object_get(cp, "undo"), &m->undo, err);
}

int melt_asked_of(const struct melt *m, struct melt_asked *ret, struct err *err)
{
	*ret = (struct melt_asked){ .invoice = m->invoice, .unit = m->at.unit, .amountless = m->amountless };
	if (!msat_from_u64(m->msat, &ret->amount))
		return ERR(err, ERR_INTERNAL, "a checkpoint with an amount of %" PRIu64 " msat", m->msat);
	return 0;
}

struct ecash melt_ecash(const struct melt *m, uint64_t v)
{
	struct ecash e;

	return ecash_make(v, m->at.unit, &e) ? e : ecash_zero(m->at.unit);
}

/* --- start --- */

/* What the payee gets: by the invoice, or by the payer where the invoice leaves it open. */
static int amount_of(const struct bolt11 *inv, const json_t *params, struct melt *m, struct err *err)
{
	uint64_t sat = 0;

	if (json_opt_u64(params, "amount_sat", AMOUNT_MAX / 1000, &sat, err) != 0)
		return -1;
	m->amountless = !inv->has_amount;
	m->msat = inv->has_amount ? msat_value(inv->amount) : sat * 1000;
	if (m->msat == 0) {
		ERR(err, ERR_PARAM, "the invoice names no amount: say how much to pay");
		return err_field(err, "amount_sat");
	}
	if (inv->has_amount && sat && sat * 1000 != m->msat) {
		ERR(err, ERR_PARAM, "the invoice asks for %" PRIu64 " msat, not for %" PRIu64 " sat", m->msat, sat);
		return err_field(err, "amount_sat");
	}
	if (m->msat > AMOUNT_MAX) {
		ERR(err, ERR_RANGE, "more than any amount");
		return err_field(err, "invoice");
	}
	return 0;
}

static int read_invoice(struct step *s, const json_t *params, struct melt *m, struct hash32 *hash, struct err *err)
{
	struct bolt11 inv;
	const char *text;
	char *hex = arena_alloc(s->arena, 65);

	if (json_get_str(params, "invoice", BOLT11_TEXT_MAX, &text, err) != 0 ||
	    bolt11_decode(s->arena, text, &inv, err) != 0 ||
	    bolt11_check_payable(&inv, s->policy->onchain.network, s->now_ms / 1000, err) != 0)
		return err_field(err, "invoice");
	m->invoice = inv.text;
	*hash = inv.payment_hash;
	hex_encode(hash->b, sizeof(hash->b), hex);
	m->hash = hex;
	return amount_of(&inv, params, m, err);
}

/* Has this wallet paid it, or is it paying it now?  Its id then names that action: starting twice pays once. */
static int check_unpaid(struct step *s, const struct hash32 *hash, struct err *err)
{
	struct melt_quote_row row;

	err_clear(err);
	if (melt_store_open(s->view, s->arena, hash, &row, err) == 0) {
		s->row.id = row.action;
		ERR(err, ERR_EXISTS, "action %s is paying this invoice", row.action.s);
		return err_field(err, "invoice");
	}
	if (err->code != ERR_NOT_FOUND)
		return -1;
	err_clear(err);
	if (melt_store_paid(s->view, s->arena, hash, &row, err) == 0) {
		ERR(err, ERR_INVOICE_PAID, "this wallet has paid the invoice: action %s", row.action.s);
		err_hint(err, "action.get id=%s", row.action.s);
		return err_field(err, "invoice");
	}
	return err->code == ERR_NOT_FOUND ? 0 : -1;
}

static int check_mint(struct step *s, const struct mint_row *mint, const struct melt *m, struct err *err)
{
	struct mint_info info;
	const struct mint_method *method;

	if (mint_info_parse(s->arena, bytes_of(mint->info), &info, err) != 0)
		return -1;
	method = mint_info_melt_method(&info, m->at.unit);
	if (info.melt_disabled || !method) {
		ERR(err, ERR_UNIT, "%s pays no Lightning invoices with %s", mint->url, m->at.unit.s);
		err_hint(err, "mint names another one; mint.list shows them, and the units of each");
		return err_field(err, "unit");
	}
	if (m->amountless && !method->amountless) {
		ERR(err, ERR_UNSUPPORTED, "%s pays no invoices without an amount", mint->url);
		err_hint(err, "ask the payee for one with an amount, or let another mint pay");
		return err_field(err, "invoice");
	}
	return 0;
}

/* In the unit: what the payee gets, rounded up; 0 for a unit without a fixed rate. */
static uint64_t payee_gets(const struct melt *m)
{
	if (strcmp(m->at.unit.s, "msat") == 0)
		return m->msat;
	return strcmp(m->at.unit.s, "sat") == 0 ? m->msat / 1000 + (m->msat % 1000 != 0) : 0;
}

static int fee_ceiling(const struct melt *m, uint64_t amount, struct ecash *ret, struct err *err)
{
	uint64_t least = strcmp(m->at.unit.s, "msat") == 0 ? FEE_LEAST * 1000 : FEE_LEAST;

	if (m->max_fee == MELT_NO_CEILING)
		return melt_fee_ceiling(melt_ecash(m, amount), FEE_PPM, melt_ecash(m, least), ret, err);
	*ret = melt_ecash(m, m->max_fee);
	return 0;
}

static int show_plan(struct step *s, const struct melt *m, uint64_t held, struct err *err)
{
	uint64_t amount = payee_gets(m);
	struct ecash ceiling;

	if (fee_ceiling(m, amount, &ceiling, err) != 0)
		return -1;
	json_set_str(s->plan, "mint", m->at.mint);
	json_set_str(s->plan, "unit", m->at.unit.s);
	json_set_str(s->plan, "payment_hash", m->hash);
	json_set_u64(s->plan, "amount_msat", m->msat);
	json_set_u64(s->plan, "max_fee", ecash_value(ceiling));
	if (amount == 0)
		return 0;
	json_set_u64(s->plan, "amount", amount);
	if (held < amount) {
		ERR(err, ERR_FUNDS, "%" PRIu64 " %s are spendable at %s, and the invoice is for %" PRIu64, held,
		    m->at.unit.s, m->at.mint, amount);
		return cashu_short_of_funds(s, m->at.mint_id, m->at.unit, err);
	}
	if (strcmp(m->at.unit.s, "sat") == 0)
		json_set_u64(s->plan, "spend_sat", amount + ecash_value(ceiling));
	return 0;
}

static int melt_start(struct step *s, const json_t *params, struct err *err)
{
	struct melt *m = ARENA_NEW(s->arena, struct melt);
	struct mint_row mint;
	struct hash32 hash;
	uint64_t held;

	s->checkpoint = m;
	m->max_fee = MELT_NO_CEILING;
	m->seen = QUOTE_UNPAID;
	if (json_opt_u64(params, "max_fee", AMOUNT_MAX, &m->max_fee, err) != 0 ||
	    cashu_unit_param(params, &m->at.unit, err) != 0 || read_invoice(s, params, m, &hash, err) != 0 ||
	    check_unpaid(s, &hash, err) != 0 || cashu_choose_mint(s, params, m->at.unit, &mint, err) != 0)
		return -1;
	m->at.mint = mint.url;
	m->at.mint_id = mint.id;
	s->row.peer = mint.url;
	if (check_mint(s, &mint, m, err) != 0 || cashu_spendable(s, &m->at, &held, err) != 0 ||
	    show_plan(s, m, held, err) != 0)
		return -1;
	return MELT_SYNCING;
}

/* --- quote --- */

static struct outcome syncing_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct melt *m = s->checkpoint;

	(void)rep;
	return cashu_sync(s, &m->at, m->quote ? MELT_PROOFS_RESERVED : MELT_QUOTE, err);
}

static int quote_enter(struct step *s, struct net_request *ret, struct err *err)
{
	const struct melt *m = s->checkpoint;
	struct melt_asked asked;

	if (melt_asked_of(m, &asked, err) != 0)
		return -1;
	return melt_quote_request(s->arena, m->at.mint, &asked, ret, err);
}

/* From here on the invoice is ours to pay: the row holds off every other payment of it. */
static int keep_quote(struct step *s, struct melt *m, const struct melt_quote *q, struct err *err)
{
	struct melt_quote_row row = {
		.mint_id = m->at.mint_id,
		.id = q->id,
		.amount = q->amount,
		.fee_reserve = q->fee_reserve,
		.request = m->invoice,
		.state = QUOTE_UNPAID,
		.expiry_s = q->expiry_s,
		.fee_paid = ecash_zero(m->at.unit),
		.action = s->row.id,
		.holder = s->row.id,
		.created_at_ms = s->now_ms,
		.updated_at_ms = s->now_ms,
	};

	if (!hex_decode(m->hash, row.payment_hash.b, sizeof(row.payment_hash.b)))
		return ERR(err, ERR_INTERNAL, "a checkpoint with a bad payment hash");
	if (melt_store_add(s->unit, &row, err) != 0)
		return err->code == ERR_EXISTS ? err_field(err, "invoice") : -1;
	m->quote = q->id;
	m->amount = ecash_value(q->amount);
	m->fee_reserve = ecash_value(q->fee_reserve);
	m->expiry_s = q->expiry_s;
	return 0;
}

static struct outcome quote_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct melt *m = s->checkpoint;
	struct melt_asked asked;
	struct melt_quote q;

	if (melt_asked_of(m, &asked, err) != 0 || melt_quote_decode(s->arena, rep, &asked, NULL, &q, err) != 0)
		return outcome_trouble(err);
	if (q.state != QUOTE_UNPAID) {
		ERR(err, ERR_PEER_INVALID, "the mint made a quote that is not unpaid");
		return outcome_trouble(err);
	}
	if (keep_quote(s, m, &q, err) == 0)
		return outcome_next(MELT_PROOFS_RESERVED);
	/* Somebody else began to pay it since this action started, or has paid it. */
	return err->code == ERR_EXISTS ? outcome_failed(err, "no") : outcome_trouble(err);
}

/* --- proofs --- */

/* Proofs for the amount, the reserve, and the fee of spending them; those of an earlier try go back first. */
static int reserve(struct step *s, struct melt *m, const struct cashu_mint *mint, struct err *err)
{
	struct movement mv = movement_begin(s->unit, &s->row.id, RAIL_ECASH, "lock", m->at.mint_id, m->at.unit,
					    s->now_ms);
	struct proof_row *rows;
	struct selection chosen;
	struct note *notes;
	struct pubkey *ys;
	size_t n;

	if (proof_store_move(&mv, &s->row.id, PROOF_LOCKED, PROOF_SPENDABLE, ACCOUNT_SPENDABLE, NULL, err) != 0 ||
	    cashu_purse(s, &m->at, mint, &rows, &notes, &n, err) != 0)
		return -1;
	if (select_cover(s->arena, notes, n, m->amount + m->fee_reserve, &chosen, err) != 0)
		return err->code == ERR_FUNDS ? cashu_short_of_funds(s, m->at.mint_id, m->at.unit, err) : -1;
	ys = ARENA_ARRAY(s->arena, chosen.n, struct pubkey);
	for (size_t i = 0; i < chosen.n; i++)
		ys[i] = rows[chosen.index[i]].proof.y;
	if (proof_store_lock(&mv, ys, chosen.n, &s->row.id, err) != 0)
		return -1;
	m->inputs = chosen.sum;
	m->input_fee = chosen.fee;
	return movement_post(&mv, err);
}

static int check_fee(const struct melt *m, struct err *err)
{
	const struct melt_quote q = { .amount = melt_ecash(m, m->amount),
				      .fee_reserve = melt_ecash(m, m->fee_reserve) };
	struct melt_asked asked;
	struct melt_cost cost;
	struct ecash ceiling;
	uint64_t gets = payee_gets(m);

	if (melt_asked_of(m, &asked, err) != 0 || melt_cost(&q, &asked, melt_ecash(m, m->input_fee), &cost, err) != 0 ||
	    fee_ceiling(m, gets ? gets : m->amount, &ceiling, err) != 0)
		return -1;
	return melt_check_fee(&cost, ceiling, err);
}

/* Blank outputs take whatever comes back: the reserve that was not needed, and what the proofs hold beyond. */
static int draw_blanks(struct step *s, struct melt *m, const struct cashu_mint *mint, struct err *err)
{
	const struct keyset *ks;
	struct cashu_draw *draw;
	size_t n = melt_blank_count(m->inputs - m->input_fee - m->amount);

	if (output_store_number(s->view, &s->row.id, &m->blanks.first, err) != 0 ||
	    cashu_output_keyset(s, mint, m->at.unit, &ks, err) != 0)
		return -1;
	draw = ARENA_ARRAY(s->arena, n, struct cashu_draw);
	for (size_t i = 0; i < n; i++)
		draw[i] = (struct cashu_draw){ 1, OUTPUT_KEEP };
	m->blanks.n = (uint32_t)n;
	return n ? cashu_outputs_draw(s, m->at.mint_id, ks, draw, n, err) : 0;
}

static struct outcome reserved_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct melt *m = s->checkpoint;
	struct cashu_mint mint;

	(void)rep;
	if (cashu_mint_load(s, &m->at, &mint, err) == 0 && reserve(s, m, &mint, err) == 0 && check_fee(m, err) == 0 &&
	    draw_blanks(s, m, &mint, err) == 0) {
		m->requested_at_ms = s->now_ms;
		return outcome_next(MELT_REQUESTED);
	}
	/* Nothing of ours is at the mint: what cannot be paid is given up, and the proofs are free again. */
	return err->class == ERR_INVALID ? outcome_failed(err, "no") : outcome_trouble(err);
}

/* --- request --- */

/* Counts the copy that is about to be sent.  Where one was sent before and nobody knows its end (a crash came between, or
 * no answer) the quote is asked about first; only then, and only on purpose, the same is sent again. */
static int requested_prepare(struct step *s, struct err *err)
{
	struct melt *m = s->checkpoint;

	(void)err;
	m->doubt = m->unknown > 0 && !m->again;
	if (m->doubt)
		return 0;
	m->again = false;
	m->sends++;
	m->unknown++;
	return 0;
}

static int requested_enter(struct step *s, struct net_request *ret, struct err *err)
{
	const struct melt *m = s->checkpoint;
	struct proof *inputs;
	struct output *blanks;
	struct pubkey *ys;
	size_t n;

	if (m->doubt)
		return NOTHING_TO_ASK;
	if (exchange_inputs(s, PROOF_LOCKED, &inputs, &ys, &n, err) != 0 ||
	    output_store_batch(s->view, s->arena, &s->row.id, m->blanks, &blanks, err) != 0)
		return -1;
	return melt_request(s->arena, m->at.mint, m->quote, inputs, n, blanks, m->blanks.n, ret, err);
}

/* --- hooks --- */

static struct outcome melt_retry(struct step *s, const struct err *why, struct err *err)
{
	const struct melt *m = s->checkpoint;

	if (s->row.state == MELT_QUOTE)
		return cashu_quote_retry(s, &m->at, why, err);
	return cashu_retry(s, &m->at, why, err);
}

/* A no to the quote ends it: nothing was promised.  A no to a question about a payment says nothing about the coins. */
static struct outcome melt_rejected(struct step *s, const struct err *why, struct err *err)
{
	if (s->row.state == MELT_QUOTE)
		return outcome_failed(why, "no");
	return melt_retry(s, why, err);
}

static struct outcome melt_cancel(struct step *s, struct err *err)
{
	struct melt *m = s->checkpoint;
	struct err why;

	(void)err;
	switch ((enum melt_state)s->row.state) {
	case MELT_SYNCING:
	case MELT_QUOTE:
	case MELT_PROOFS_RESERVED:
		ERR(&why, ERR_CANCELLED, "cancelled before the mint was asked to pay");
		return outcome_cancelled(&why);
	case MELT_REQUESTED:
	case MELT_PAYMENT_PENDING:
	case MELT_CHECKING:
		if (m->seen == QUOTE_PENDING || m->seen == QUOTE_PAID)
			break;
		m->cancelling = true;
		return outcome_next(MELT_PAYMENT_PENDING);
	case MELT_RESTORING:
		break;
	case MELT_UNDO_SYNCING:
	case MELT_UNDO_DRAWING:
	case MELT_UNDO_REQUESTED:
	case MELT_UNDO_CHECKING:
	case MELT_UNDO_RESTORING:
		ERR(&why, ERR_NOT_CANCELLABLE, "the payment was given up already; its proofs are being taken back");
		return outcome_trouble(&why);
	}
	ERR(&why, ERR_NOT_CANCELLABLE, "the mint is paying the invoice; it will be followed to its end");
	return outcome_trouble(&why);
}

static json_t *melt_progress(struct step *s, bool secrets)
{
	const struct melt *m = s->checkpoint;
	json_t *v = json_object_in(s->arena);

	(void)secrets;
	json_set_str(v, "mint", m->at.mint);
	json_set_str(v, "unit", m->at.unit.s);
	json_set_str(v, "payment_hash", m->hash);
	json_set_u64(v, "amount_msat", m->msat);
	if (!m->quote)
		return v;
	json_set_u64(v, "amount", m->amount);
	json_set_u64(v, "fee_reserve", m->fee_reserve);
	json_set_u64(v, "held", m->inputs);
	return v;
}

static const char *melt_explain(struct step *s)
{
	const struct melt *m = s->checkpoint;

	switch ((enum melt_state)s->row.state) {
	case MELT_SYNCING:
		return "It asks the mint for its current keysets.";
	case MELT_QUOTE:
		return "It asks the mint what paying the invoice would cost.";
	case MELT_PROOFS_RESERVED:
		return "It has a quote and reserves proofs for it; nothing was sent.";
	case MELT_REQUESTED:
		return "The mint is asked to pay.";
	case MELT_PAYMENT_PENDING:
		if (m->seen == QUOTE_PENDING)
			return "The mint is paying the invoice; its proofs stay reserved until the payment has an end.";
		return "It asks the mint what became of the payment; its proofs stay reserved until that is known.";
	case MELT_CHECKING:
		return "The mint says that the invoice is not paid; it asks whether the proofs are spent.";
	case MELT_RESTORING:
		return "The invoice is paid; it asks the mint for the change.";
	case MELT_UNDO_SYNCING:
	case MELT_UNDO_DRAWING:
	case MELT_UNDO_REQUESTED:
	case MELT_UNDO_CHECKING:
	case MELT_UNDO_RESTORING:
		return "It was given up; its proofs are swapped for new ones, so that no late copy of the request can pay.";
	}
	return "";
}

static const struct param melt_params[] = {
	{
		.name = "invoice",
		.type = PARAM_STRING,
		.flags = PARAM_REQUIRED | PARAM_FILE,
		.max = BOLT11_TEXT_MAX,
		.help = "The BOLT 11 invoice to pay.",
	},
	{
		.name = "mint",
		.type = PARAM_STRING,
		.max = MINT_URL_MAX,
		.fallback = "the mint that holds most of the unit",
		.help = "URL of the mint that pays.",
	},
	{
		.name = "unit",
		.type = PARAM_STRING,
		.max = 15,
		.fallback = "sat",
		.help = "Unit of the ecash to pay with.",
	},
	{
		.name = "amount_sat",
		.type = PARAM_INT,
		.min = 1,
		.max = AMOUNT_MAX / 1000,
		.fallback = "what the invoice asks for",
		.help = "What to pay, when the invoice leaves that open.",
	},
	{
		.name = "max_fee",
		.type = PARAM_INT,
		.min = 0,
		.max = AMOUNT_MAX,
		.fallback = "2 % of the amount, at least 10 sat",
		.help = "The payment fails, unpaid, when it may cost more than this in the unit: Lightning and input fees.",
	},
	{ 0 },
};

static const struct state_def melt_states[] = {
	[MELT_SYNCING] = { .name = "syncing", .reply = syncing_reply, .cancellable = true },
	[MELT_QUOTE] = { .name = "quote", .enter = quote_enter, .reply = quote_reply, .cancellable = true },
	[MELT_PROOFS_RESERVED] = { .name = "proofs_reserved", .reply = reserved_reply, .cancellable = true },
	[MELT_REQUESTED] = { .name = "melt_requested",
			     .prepare = requested_prepare,
			     .enter = requested_enter,
			     .reply = melt_requested_reply,
			     .uncertain = true, },
	[MELT_PAYMENT_PENDING] = { .name = "payment_pending",
				   .enter = melt_pending_enter,
				   .reply = melt_pending_reply,
				   .uncertain = true, },
	[MELT_CHECKING] = { .name = "checking",
			    .enter = melt_checking_enter,
			    .reply = melt_checking_reply,
			    .uncertain = true, },
	[MELT_RESTORING] = { .name = "restoring",
			     .enter = melt_restoring_enter,
			     .reply = melt_restoring_reply,
			     .uncertain = true, },
	[MELT_UNDO_SYNCING] = { .name = "undo_syncing", .reply = exchange_sync, .uncertain = true },
	[MELT_UNDO_DRAWING] = { .name = "undo_drawing", .reply = melt_undo_drawing_reply, .uncertain = true },
	[MELT_UNDO_REQUESTED] = { .name = "undo_requested",
				  .prepare = exchange_prepare,
				  .enter = exchange_request,
				  .reply = exchange_reply,
				  .uncertain = true, },
	[MELT_UNDO_CHECKING] = { .name = "undo_checking",
				 .enter = exchange_check,
				 .reply = exchange_checked,
				 .uncertain = true, },
	[MELT_UNDO_RESTORING] = { .name = "undo_restoring",
				  .enter = exchange_restore,
				  .reply = exchange_restored,
				  .uncertain = true, },
};

const struct action_kind cashu_melt_kind = {
	.name = "cashu_melt",
	.summary = "Pay a Lightning invoice with ecash; what the payment does not cost returns as change.",
	.params = melt_params,
	.states = melt_states,
	.n_states = ARRAY_LEN(melt_states),
	.needs_keys = true,
	.family = &melt_undo,
	.start = melt_start,
	.save = melt_save,
	.load = melt_load,
	.on_retry = melt_retry,
	.on_rejection = melt_rejected,
	.cancel = melt_cancel,
	.progress = melt_progress,
	.explain = melt_explain,
};
