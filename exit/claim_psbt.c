#include "exit/claim_psbt.h"

#include <inttypes.h>
#include <string.h>

#include "exit/vtxo_show.h"
#include "rails/bitcoin/psbt_sign.h"
#include "rails/bitcoin/sighash.h"
#include "rails/keys/keyring.h"
#include "store/exit_store.h"
#include "store/script_store.h"

/* The key of the field: type, prefix with its length, subtype. */
#define PROPRIETARY 0xfcu
static const uint8_t key_data[] = { 4, 'b', 'a', 'r', 'k', 1 };
static const struct bytes vtxo_key = { key_data, sizeof(key_data) };

#define RELATIVE_NONE  0x80000000u /* BIP68: the sequence says nothing of age */
#define RELATIVE_TIME  0x00400000u /* … it counts in seconds */
#define RELATIVE_VALUE 0x0000ffffu
#define LOCKTIME_TIMES 500000000u /* from here on a locktime is a moment, and no height */

/* --- made here --- */

static int put_vtxo(struct view v, struct arena *a, struct psbt *p, size_t i, const struct claim_input *in,
		    struct err *err)
{
	const struct tx_out spent = { in->amount, in->script };
	struct vtxo vtxo;

	if (vtxo_load(v, a, in->vtxo_id, &vtxo, err) != 0 || psbt_put_witness_utxo(a, p, i, &spent, err) != 0)
		return -1;
	return psbt_put(a, &p->in[i], PROPRIETARY, vtxo_key, vtxo_encode(a, &vtxo), err);
}

static const struct witness no_witness = { NULL, 0 };

int claim_psbt_of(struct view v, struct arena *a, const struct claim_input *in, const struct tx *tx, const char **ret,
		  struct err *err)
{
	struct tx bare = *tx;
	struct psbt p;
	char *text;

	bare.in = ARENA_ARRAY(a, tx->n_in, struct tx_in);
	for (size_t i = 0; i < tx->n_in; i++) {
		bare.in[i] = tx->in[i];
		bare.in[i].witness = no_witness;
	}
	if (psbt_create(a, &bare, &p, err) != 0)
		return -1;
	for (size_t i = 0; i < tx->n_in; i++)
		if (put_vtxo(v, a, &p, i, &in[i], err) != 0 || psbt_put_final(a, &p, i, &tx->in[i].witness, err) != 0)
			return -1;
	if (psbt_text(a, &p, &text, err) != 0)
		return -1;
	*ret = text;
	return 0;
}

/* To each its part, by what it is worth. */
int claim_psbt_keep(struct unit *u, const struct claim_input *in, size_t n, const struct txid *txid, struct sat fee,
		    int64_t now_ms, struct err *err)
{
	struct sat total = { 0 }, before = { 0 }, share;

	for (size_t i = 0; i < n; i++)
		if (!sat_add(total, in[i].amount, &total))
			return ERR(err, ERR_RANGE, "more than all money");
	for (size_t i = 0; i < n; i++) {
		if (!sat_part(fee, before, in[i].amount, total, &share) || !sat_add(before, in[i].amount, &before))
			return ERR(err, ERR_INTERNAL, "a claim of nothing");
		if (exit_signed_store_add(u, txid, in[i].exit_id, share, now_ms, err) != 0)
			return -1;
	}
	return 0;
}

/* --- made elsewhere --- */

struct signing {
	struct unit *u;
	struct arena *a;
	struct keyring *keys;
	struct psbt p;
	struct tx_out *spent; /* by each of its inputs */
	struct claim_input *in;
	size_t *at; /* which input of the transaction each of these is */
	size_t n;
	struct sat sum; /* of all its inputs */
};

/* What each input spends is signed, too: so all must be told.  Whose name could change cannot be known again. */
static int look_at_inputs(struct signing *s, struct err *err)
{
	for (size_t i = 0; i < s->p.tx.n_in; i++) {
		SCOPED(arena) struct arena scratch = ARENA_LIMIT(TX_ARENA_FOR((size_t)TX_SIZE_MAX));
		struct bytes program;

		if (psbt_spent(&scratch, &s->p, i, &s->spent[i], err) != 0)
			return -1;
		s->spent[i].script = arena_bytes(s->a, s->spent[i].script);
		if (spk_witness_version(s->spent[i].script, &program) < 0)
			return ERR(err, ERR_UNSUPPORTED,
				   "input %zu spends no witness program: signing it changes the transaction's name", i);
		if (!sat_add(s->sum, s->spent[i].value, &s->sum))
			return ERR(err, ERR_RANGE, "it spends more than all money");
	}
	return 0;
}

/* Does the transaction meet the condition of this input? */
static int check_condition(const struct signing *s, size_t i, const struct claim_input *in, uint32_t tip,
			   struct err *err)
{
	const struct ark_clause *c = &in->taproot->leaf[in->leaf].clause;
	const struct tx *tx = &s->p.tx;
	uint32_t sequence = tx->in[i].sequence, lock = ark_clause_locktime(c);

	if (tx->version < 2)
		return ERR(err, ERR_ILLEGAL_STATE, "its version is %" PRIu32 ", and a claim's is 2 at least",
			   tx->version);
	if ((c->flags & ARK_DELAY) != 0 &&
	    ((sequence & (RELATIVE_NONE | RELATIVE_TIME)) != 0 || (sequence & RELATIVE_VALUE) < c->delay))
		return ERR(err, ERR_ILLEGAL_STATE, "the sequence of input %zu must be %u blocks", i, c->delay);
	if (lock > 0 && (tx->locktime < lock || tx->locktime >= LOCKTIME_TIMES || sequence == UINT32_MAX))
		return ERR(err, ERR_ILLEGAL_STATE, "its locktime must be the block %" PRIu32 " or later", lock);
	if (tx->locktime < LOCKTIME_TIMES && tx->locktime > tip)
		return ERR(err, ERR_ILLEGAL_STATE, "its locktime is the block %" PRIu32 ", which has not come",
			   tx->locktime);
	return 0;
}

/* The same VTXO as ours, byte by byte, at the output that the input spends. */
static int check_vtxo(struct signing *s, size_t i, struct bytes told, const struct claim_input *in, struct err *err)
{
	struct vtxo theirs, ours;
	struct err unread;

	if (vtxo_load(unit_view(s->u), s->a, in->vtxo_id, &ours, err) != 0)
		return -1;
	if (vtxo_decode(s->a, told, VTXO_FULL, &theirs, &unread) != 0)
		return ERR(err, ERR_PSBT, "input %zu: what it carries is no VTXO: %s", i, unread.msg);
	if (!bytes_equal(vtxo_encode(s->a, &theirs), vtxo_encode(s->a, &ours)))
		return ERR(err, ERR_PSBT, "input %zu: the VTXO that it carries is not the wallet's", i);
	if (sat_cmp(s->spent[i].value, in->amount) != 0 || !bytes_equal(s->spent[i].script, in->script))
		return ERR(err, ERR_PSBT, "input %zu: what it is said to spend is not the VTXO's output", i);
	return 0;
}

static int check_sighash(const struct psbt *p, size_t i, struct err *err)
{
	static const uint8_t plain[4] = { SIGHASH_DEFAULT };
	struct bytes type;

	if (psbt_get(&p->in[i], PSBT_IN_SIGHASH_TYPE, (struct bytes){ 0 }, &type) &&
	    !bytes_equal(type, (struct bytes){ plain, sizeof(plain) }))
		return ERR(err, ERR_UNSUPPORTED, "input %zu: only whole transactions are signed", i);
	return 0;
}

static int no_open_claim(struct signing *s, int64_t exit_id, struct err *err)
{
	struct exit_claim_row claim;
	char text[TXID_TEXT];
	int rc = exit_claim_store_of(unit_view(s->u), s->a, exit_id, &claim, err);

	if (rc <= 0 || (claim.status != CLAIM_PREPARED && claim.status != CLAIM_SENT))
		return rc < 0 ? -1 : 0;
	txid_text(&claim.txid, text);
	return ERR(err, ERR_CONFLICT, "it is being claimed by %s", text);
}

static int adopt(struct signing *s, size_t i, struct bytes told, struct err *err)
{
	struct claim_input *in = &s->in[s->n];
	char text[OUTPOINT_TEXT];
	struct exit_row exit;
	uint32_t tip;
	int rc = exit_store_find(unit_view(s->u), s->a, &s->p.tx.in[i].prevout, &exit, err);

	if (rc < 0)
		return -1;
	outpoint_text(&s->p.tx.in[i].prevout, text);
	if (rc == 0)
		return ERR(err, ERR_PSBT_FOREIGN, "input %zu: there is no exit of the VTXO %s here", i, text);
	if (claim_input_of(unit_view(s->u), s->a, exit.id, false, in, &tip, err) != 0 ||
	    no_open_claim(s, exit.id, err) != 0 || check_vtxo(s, i, told, in, err) != 0 ||
	    check_sighash(&s->p, i, err) != 0 || check_condition(s, i, in, tip, err) != 0)
		return -1;
	s->at[s->n++] = i;
	return 0;
}

static int adopt_all(struct signing *s, struct err *err)
{
	struct bytes told;

	for (size_t i = 0; i < s->p.tx.n_in; i++) {
		if (psbt_input_is_final(&s->p, i) || !psbt_get(&s->p.in[i], PROPRIETARY, vtxo_key, &told))
			continue;
		if (s->n == CLAIM_INPUTS_MAX)
			return ERR(err, ERR_RANGE, "more than %u exits in one claim", CLAIM_INPUTS_MAX);
		if (adopt(s, i, told, err) != 0)
			return -1;
	}
	if (s->n > 0)
		return 0;
	return ERR(err, ERR_PSBT_FOREIGN, "none of its %zu inputs carries a VTXO and waits to be signed", s->p.tx.n_in);
}

static int sign_all(struct signing *s, struct err *err)
{
	struct sighash hash;

	sighash_init(&hash, &s->p.tx, s->spent);
	for (size_t k = 0; k < s->n; k++) {
		struct witness witness;

		if (claim_sign_input(s->a, &hash, s->at[k], &s->in[k], s->keys, &witness, err) != 0 ||
		    psbt_put_final(s->a, &s->p, s->at[k], &witness, err) != 0)
			return -1;
	}
	return 0;
}

static int sum_up(struct signing *s, struct claim_signed *ret, struct sat *ret_fee, struct err *err)
{
	struct script_row row;
	struct sat out = { 0 };

	for (size_t i = 0; i < s->p.tx.n_out; i++) {
		const struct tx_out *o = &s->p.tx.out[i];
		int ours = script_store_find(unit_view(s->u), s->a, o->script, &row, err);

		if (ours < 0)
			return -1;
		if (!sat_add(out, o->value, &out) || (ours > 0 && !sat_add(ret->back, o->value, &ret->back)))
			return ERR(err, ERR_RANGE, "it pays more than all money");
	}
	for (size_t k = 0; k < s->n; k++)
		if (!sat_add(ret->amount, s->in[k].amount, &ret->amount))
			return ERR(err, ERR_RANGE, "it spends more than all money");
	if (!sat_sub(s->sum, out, ret_fee))
		return ERR(err, ERR_PSBT, "it pays more than it spends");
	for (size_t i = 0; i < s->p.tx.n_in; i++)
		ret->n_open += !psbt_input_is_final(&s->p, i);
	ret->n_signed = s->n;
	ret->txid = tx_txid(&s->p.tx);
	return 0;
}

/* What leaves us goes to the miners first: others gain what is beyond the fee, and pay of it what does not come from us. */
static struct sat our_fee(const struct claim_signed *done, struct sat fee)
{
	struct sat leaves;

	if (!sat_sub(done->amount, done->back, &leaves))
		return (struct sat){ 0 };
	return sat_cmp(leaves, fee) < 0 ? leaves : fee;
}

static int run(struct signing *s, const char *text, int64_t now_ms, struct claim_signed *ret, struct err *err)
{
	struct claim_signed done = { 0 };
	struct sat fee;
	char *signed_text;

	if (psbt_decode_text(s->a, text, &s->p, err) != 0)
		return -1;
	s->spent = ARENA_ARRAY(s->a, s->p.tx.n_in, struct tx_out);
	s->in = ARENA_ARRAY(s->a, CLAIM_INPUTS_MAX, struct claim_input);
	s->at = ARENA_ARRAY(s->a, CLAIM_INPUTS_MAX, size_t);
	if (look_at_inputs(s, err) != 0 || adopt_all(s, err) != 0 || sign_all(s, err) != 0 ||
	    sum_up(s, &done, &fee, err) != 0)
		return -1;
	fee = our_fee(&done, fee);
	if (claim_psbt_keep(s->u, s->in, s->n, &done.txid, fee, now_ms, err) != 0 ||
	    psbt_text(s->a, &s->p, &signed_text, err) != 0)
		return -1;
	done.psbt = signed_text;
	*ret = done;
	return 0;
}

int claim_psbt_sign(struct unit *u, struct arena *a, const char *text, struct keyring *keys, int64_t now_ms,
		    struct claim_signed *ret, struct err *err)
{
	struct signing s = { .u = u, .a = a, .keys = keys };

	if (!keys)
		return ERR(err, ERR_WALLET_LOCKED, "the wallet is locked");
	return run(&s, text, now_ms, ret, err) == 0 ? 0 : err_field(err, "psbt");
}
