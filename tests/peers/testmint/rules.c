#include "tests/peers/testmint/rules.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/hash.h"
#include "base/text.h"
#include "rails/cashu/cashu_error.h"
#include "rails/cashu/dhke.h"
#include "rails/cashu/issue.h"
#include "rails/cashu/select.h"
#include "rails/cashu/wire.h"
#include "rails/cashu/witness.h"
#include "tests/peers/testmint/job.h"

#define DEPTH_MAX 8

void mint_refuse(struct arena *a, struct mint_answer *ret, int status, int code, const char *detail)
{
	json_t *body = json_object_in(a);

	json_set_str(body, "detail", detail);
	if (code >= 0)
		json_set_int(body, "code", code);
	*ret = (struct mint_answer){ .status = status, .body = body };
}

/* Always false, so that a check can end with it. */
bool job_refuse(struct job *j, int code, const char *detail)
{
	mint_refuse(j->a, j->ret, 400, code, detail);
	return false;
}

/* What each dialect makes of a request that is not shaped as it should be, or that names nothing of ours. */
bool job_refuse_shape(struct job *j, const struct err *err)
{
	json_t *list = json_array_in(j->a), *entry = json_object(), *body = json_object_in(j->a);

	json_set_str(entry, "msg", err->msg);
	json_set_str(entry, "type", "value_error");
	json_add_take(list, entry);
	json_set(body, "detail", list);
	*j->ret = (struct mint_answer){ .status = 422, .body = body };
	return false;
}

bool job_refuse_unclassified(struct job *j, const char *detail)
{
	return job_refuse(j, j->m->opts.dialect == MINT_CDK ? 50000 : 0, detail);
}

void job_answer(struct job *j, json_t *body)
{
	*j->ret = (struct mint_answer){ .status = 200, .body = body };
}

/* --- reading --- */

static bool read_keyset(struct job *j, const json_t *v, const struct mint_keyset **ret)
{
	struct keyset_id id;
	struct err err;
	const char *text;

	if (json_get_str(v, "id", KEYSET_ID_MAX, &text, &err) != 0)
		return job_refuse_shape(j, &err);
	*ret = keyset_id_parse(text, &id) ? mint_keyset(j->m, &id) : NULL;
	return *ret != NULL || job_refuse(j, CASHU_KEYSET_UNKNOWN, "Keyset is not known.");
}

static bool read_list(struct job *j, const char *name, int too_many, json_t **ret)
{
	struct err err;

	if (json_get_arr(j->body, name, SIZE_MAX, ret, &err) != 0)
		return job_refuse_shape(j, &err);
	if (json_array_size(*ret) > CASHU_LIST_MAX)
		return job_refuse(j, too_many, "The list is too long.");
	return true;
}

static int unit_of(const struct job *j, const struct mint_keyset *ks)
{
	return mint_unit(j->m, ks->pub.unit.s);
}

static bool read_input(struct job *j, const json_t *v, struct input *ret)
{
	struct input in = { 0 };
	struct point y;
	struct pubkey y33;
	struct err err;

	if (!read_keyset(j, v, &in.ks))
		return false;
	if (wire_amount(v, "amount", &in.amount, &err) != 0 ||
	    json_get_str(v, "secret", CASHU_SECRET_MAX, &in.secret, &err) != 0 ||
	    wire_point(v, "C", &in.c, &err) != 0 ||
	    json_opt_str(v, "witness", CASHU_WITNESS_MAX, &in.witness, &err) != 0)
		return job_refuse_shape(j, &err);
	/* Whoever shows a mint its DLEQ shows it which output the note came from. */
	j->m->dleq_leaked += json_object_get(v, "dleq") != NULL;
	if (!dhke_hash_to_curve(bytes_of(in.secret), &y))
		return job_refuse(j, CASHU_PROOF_INVALID, "Proof could not be verified.");
	point_compress(&y, &y33);
	in.note = mint_note(j->m, &y33);
	*ret = in;
	return true;
}

bool job_read_inputs(struct job *j, struct inputs *ret)
{
	struct inputs in = { .unit = -1 };
	json_t *list;

	if (!read_list(j, "inputs", CASHU_TOO_MANY_INPUTS, &list))
		return false;
	in.n = json_array_size(list);
	in.v = ARENA_ARRAY(j->a, in.n, struct input);
	for (size_t i = 0; i < in.n; i++) {
		if (!read_input(j, json_array_get(list, i), &in.v[i]))
			return false;
		for (size_t k = 0; k < i; k++)
			if (in.v[k].note == in.v[i].note)
				return job_refuse(j, CASHU_DUPLICATE_INPUTS, "Duplicate inputs.");
	}
	*ret = in;
	return true;
}

bool job_read_outputs(struct job *j, struct outputs *ret)
{
	struct outputs out = { .unit = -1 };
	const struct mint_keyset *ks;
	struct err err;
	json_t *list;

	if (!read_list(j, "outputs", CASHU_TOO_MANY_OUTPUTS, &list))
		return false;
	out.n = json_array_size(list);
	out.v = ARENA_ARRAY(j->a, out.n, struct output);
	for (size_t i = 0; i < out.n; i++) {
		const json_t *v = json_array_get(list, i);

		if (!read_keyset(j, v, &ks))
			return false;
		if (wire_amount(v, "amount", &out.v[i].amount, &err) != 0 ||
		    wire_point(v, "B_", &out.v[i].b, &err) != 0)
			return job_refuse_shape(j, &err);
		out.v[i].keyset = ks->pub.id;
		for (size_t k = 0; k < i; k++)
			if (pubkey_equal(&out.v[k].b, &out.v[i].b))
				return job_refuse(j, CASHU_DUPLICATE_OUTPUTS, "Duplicate outputs.");
	}
	*ret = out;
	return true;
}

/* --- checking --- */

static bool same_unit(struct job *j, int unit, int *all)
{
	if (*all >= 0 && *all != unit)
		return job_refuse(j, 11009, "Inputs or outputs are of several units.");
	*all = unit;
	return true;
}

static bool check_input(struct job *j, const struct input *in)
{
	const struct secret *k = mint_keyset_secret(in->ks, in->amount);

	if (k == NULL || !mint_proof_valid(k, in->secret, &in->c))
		return job_refuse(j, CASHU_PROOF_INVALID, "Proof could not be verified.");
	/* A secret belongs to one note: a second signature over it is money lost, and a sign of a counter used twice. */
	if (in->note->state == NOTE_SPENT && !pubkey_equal(&in->note->c, &in->c))
		j->m->secrets_reused++;
	return true;
}

static bool check_spendable(struct job *j, const struct inputs *in)
{
	for (size_t i = 0; i < in->n; i++) {
		switch (in->v[i].note->state) {
		case NOTE_SPENT:
			return job_refuse(j, CASHU_SPENT, "Token already spent.");
		case NOTE_PENDING:
			return job_refuse(j, CASHU_PENDING, "Proofs are pending.");
		case NOTE_UNSPENT:
			break;
		}
	}
	return true;
}

bool job_check_inputs(struct job *j, struct inputs *in)
{
	uint64_t ppk = 0;

	for (size_t i = 0; i < in->n; i++) {
		if (!check_input(j, &in->v[i]) || !same_unit(j, unit_of(j, in->v[i].ks), &in->unit))
			return false;
		if (in->v[i].amount > AMOUNT_MAX - in->sum)
			return job_refuse(j, CASHU_AMOUNT_LIMITS, "The sum is too large.");
		in->sum += in->v[i].amount;
		ppk += in->v[i].ks->pub.input_fee_ppk;
	}
	in->fee = fee_of_ppk(ppk);
	return check_spendable(j, in);
}

bool job_check_outputs(struct job *j, struct outputs *out)
{
	for (size_t i = 0; i < out->n; i++) {
		const struct mint_keyset *ks = mint_keyset(j->m, &out->v[i].keyset);

		if (!ks->pub.active)
			return job_refuse(j, CASHU_KEYSET_INACTIVE, "Keyset is inactive.");
		if (mint_keyset_secret(ks, out->v[i].amount) == NULL || out->v[i].amount > AMOUNT_MAX - out->sum)
			return job_refuse(j, CASHU_AMOUNT_LIMITS, "Invalid amount.");
		if (!same_unit(j, unit_of(j, ks), &out->unit))
			return false;
		out->sum += out->v[i].amount;
	}
	return true;
}

/* NUT-10: what is locked needs a witness that opens it, now, for these outputs. */
static bool check_locks(struct job *j, const struct inputs *in, const struct outputs *out)
{
	struct proof *proofs = ARENA_ARRAY(j->a, in->n, struct proof);
	struct err err;

	for (size_t i = 0; i < in->n; i++)
		proofs[i] = (struct proof){ .secret = in->v[i].secret, .witness = in->v[i].witness, .c = in->v[i].c };
	return in->n == 0 ||
	       witness_check_request(proofs, in->n, out->v, out->n, NULL, clock_now_ms() / 1000, &err) == 0 ||
	       job_refuse(j, j->m->opts.dialect == MINT_CDK ? CASHU_QUOTE_SIGNATURE : 11000,
			  "A witness is missing or invalid.");
}

bool job_check_unsigned(struct job *j, const struct outputs *out, int cdk_code)
{
	for (size_t i = 0; i < out->n; i++)
		if (mint_output_signed(j->m, &out->v[i].b) != NULL)
			return job_refuse(j, j->m->opts.dialect == MINT_CDK ? cdk_code : CASHU_OUTPUTS_SIGNED,
					  "Outputs have already been signed.");
	return true;
}

/* --- acting --- */

json_t *mint_promise_json(const struct promise *p, bool with_dleq)
{
	json_t *v = json_object(), *dleq;

	json_set_u64(v, "amount", p->amount);
	json_set_str(v, "id", p->keyset.s);
	json_set_take(v, "C_", wire_hex(p->c.b, sizeof(p->c.b)));
	if (with_dleq) {
		dleq = json_object();
		json_set_take(dleq, "e", wire_hex(p->dleq.e.b, sizeof(p->dleq.e.b)));
		json_set_take(dleq, "s", wire_hex(p->dleq.s.b, sizeof(p->dleq.s.b)));
		json_set_take(v, "dleq", dleq);
	}
	return v;
}

static json_t *sign_outputs(struct job *j, const struct outputs *out)
{
	json_t *body = json_object_in(j->a), *list = json_array_in(j->a);

	for (size_t i = 0; i < out->n; i++) {
		struct mint_output *o = mint_output(j->m, &out->v[i].b);

		if (!mint_sign(mint_keyset(j->m, &out->v[i].keyset), out->v[i].amount, &out->v[i].b, &o->promise))
			err_fatal("cannot sign an output that was checked");
		o->is_signed = true;
		json_add_take(list, mint_promise_json(&o->promise, j->m->opts.dleq));
	}
	j->m->sums[out->unit].issued += out->sum;
	json_set(body, "signatures", list);
	return body;
}

void job_spend(struct job *j, const struct inputs *in)
{
	for (size_t i = 0; i < in->n; i++) {
		in->v[i].note->state = NOTE_SPENT;
		in->v[i].note->c = in->v[i].c;
	}
	j->m->notes_spent += in->n;
	j->m->sums[in->unit].redeemed += in->sum;
	j->m->sums[in->unit].fees += in->fee;
}

static void do_swap(struct job *j)
{
	struct inputs in;
	struct outputs out;

	if (!job_read_inputs(j, &in) || !job_read_outputs(j, &out) || !job_check_inputs(j, &in) ||
	    !job_check_outputs(j, &out) || !job_check_unsigned(j, &out, CASHU_DUPLICATE_OUTPUTS) ||
	    !check_locks(j, &in, &out))
		return;
	if (in.n > 0 && out.n > 0 && in.unit != out.unit) {
		job_refuse(j, 11010, "Inputs and outputs are not of the same unit.");
		return;
	}
	if (in.n == 0 || out.n == 0 || in.sum < in.fee || in.sum - in.fee != out.sum) {
		job_refuse(j, CASHU_UNBALANCED, "Inputs, fee and outputs are not balanced.");
		return;
	}
	job_spend(j, &in);
	job_answer(j, sign_outputs(j, &out));
}

void mint_hold(struct mint *m, const struct mint_call *call, bool held)
{
	const json_t *e;
	size_t i;

	json_array_foreach(json_object_get(call->json, "inputs"), i, e)
	{
		const char *secret = json_string_value(json_object_get(e, "secret"));
		struct mint_note *note;
		struct pubkey y33;
		struct point y;

		if (secret == NULL || !dhke_hash_to_curve(bytes_of(secret), &y))
			continue;
		point_compress(&y, &y33);
		note = mint_note(m, &y33);
		if (note->state != NOTE_SPENT)
			note->state = held ? NOTE_PENDING : NOTE_UNSPENT;
	}
}

const char *mint_quote_state_text(enum quote_state s)
{
	switch (s) {
	case QUOTE_UNPAID:
		return "UNPAID";
	case QUOTE_PAID:
		return "PAID";
	case QUOTE_ISSUED:
		return "ISSUED";
	case QUOTE_PENDING:
		return "PENDING";
	case QUOTE_UNKNOWN:
		break;
	}
	return "UNKNOWN";
}

static void answer_quote(struct job *j, const struct mint_quote_row *q)
{
	json_t *v = json_object_in(j->a);

	json_set_str(v, "quote", q->id);
	json_set_str(v, "request", q->request);
	json_set_u64(v, "amount", q->amount);
	json_set_str(v, "unit", j->m->opts.units[q->unit].s);
	json_set_str(v, "state", mint_quote_state_text(q->state));
	json_set_take(v, "expiry", q->expiry_s == 0 ? json_null() : json_integer(q->expiry_s));
	if (q->locked)
		json_set_take(v, "pubkey", wire_hex(q->pubkey.b, sizeof(q->pubkey.b)));
	job_answer(j, v);
}

static void do_quote(struct job *j)
{
	const char *unit, *pubkey = NULL;
	struct mint_quote_row *q;
	struct pubkey key;
	struct err err;
	uint64_t amount;
	int u;

	if (json_get_u64(j->body, "amount", AMOUNT_MAX, &amount, &err) != 0 ||
	    json_get_str(j->body, "unit", 64, &unit, &err) != 0 ||
	    json_opt_str(j->body, "pubkey", 66, &pubkey, &err) != 0 ||
	    (pubkey != NULL && wire_point(j->body, "pubkey", &key, &err) != 0)) {
		job_refuse_shape(j, &err);
		return;
	}
	u = mint_unit(j->m, unit);
	if (u < 0) {
		job_refuse(j, 11013, "Unit is not supported.");
		return;
	}
	if (amount == 0 || amount > j->m->opts.max_amount) {
		job_refuse(j, CASHU_AMOUNT_LIMITS, "Amount is outside of the limits.");
		return;
	}
	q = mint_quote_new(j->m, (size_t)u, amount);
	if (pubkey != NULL && j->m->opts.quote_lock != 0) {
		q->locked = true;
		q->pubkey = key;
	}
	answer_quote(j, mint_quote(j->m, q->id));
}

static void do_quote_check(struct job *j)
{
	const struct mint_quote_row *q = mint_quote(j->m, j->rest);

	if (q == NULL)
		job_refuse_unclassified(j, "Quote is not known.");
	else
		answer_quote(j, q);
}

static bool check_signature(struct job *j, const struct mint_quote_row *q, const struct outputs *out)
{
	const char *text = NULL;
	struct hash32 v1, legacy;
	uint8_t sig[64];
	struct err err;

	if (json_opt_str(j->body, "signature", 128, &text, &err) != 0)
		return job_refuse_shape(j, &err);
	if (!q->locked)
		return true;
	issue_message_v1(q->id, out->v, out->n, &v1);
	issue_message_legacy(q->id, out->v, out->n, &legacy);
	if (text != NULL && hex_decode(text, sig, sizeof(sig)) &&
	    (((j->m->opts.quote_lock & MINT_LOCK_V1) != 0 && secp_schnorr_verify(&q->pubkey, &v1, sig)) ||
	     ((j->m->opts.quote_lock & MINT_LOCK_LEGACY) != 0 && secp_schnorr_verify(&q->pubkey, &legacy, sig))))
		return true;
	return job_refuse(j, CASHU_QUOTE_SIGNATURE, "Signature of the quote is missing or invalid.");
}

static bool check_quote(struct job *j, const struct mint_quote_row *q)
{
	if (q->state == QUOTE_ISSUED)
		return job_refuse(j, CASHU_QUOTE_ISSUED, "Tokens have already been issued for this quote.");
	if (q->state != QUOTE_PAID)
		return job_refuse(j, CASHU_QUOTE_NOT_PAID, "Quote is not paid.");
	/* nutshell refuses an expired quote even when it is paid; cdk does not look. */
	if (j->m->opts.dialect == MINT_NUTSHELL && q->expiry_s != 0 && clock_now_ms() / 1000 > q->expiry_s)
		return job_refuse(j, 11000, "Quote expired.");
	return true;
}

static void do_issue(struct job *j)
{
	struct mint_quote_row *q;
	struct outputs out;
	const char *id;
	struct err err;

	if (json_get_str(j->body, "quote", QUOTE_ID_MAX, &id, &err) != 0) {
		job_refuse_shape(j, &err);
		return;
	}
	if (!job_read_outputs(j, &out) || !job_check_outputs(j, &out))
		return;
	q = mint_quote(j->m, id);
	if (q == NULL) {
		job_refuse_unclassified(j, "Quote is not known.");
		return;
	}
	/* nutshell looks at the outputs before the quote, cdk at the quote before the outputs. */
	if (j->m->opts.dialect == MINT_NUTSHELL && !job_check_unsigned(j, &out, CASHU_OUTPUTS_SIGNED))
		return;
	if (!check_quote(j, q) || !check_signature(j, q, &out) || !job_check_unsigned(j, &out, CASHU_DUPLICATE))
		return;
	if (out.n > 0 && out.unit != (int)q->unit) {
		job_refuse(j, 11010, "Outputs are not of the unit of the quote.");
		return;
	}
	if (out.sum != q->amount) {
		job_refuse(j, CASHU_UNBALANCED, "Outputs do not add up to the quote.");
		return;
	}
	q->state = QUOTE_ISSUED;
	j->m->sums[q->unit].minted += q->amount;
	job_answer(j, sign_outputs(j, &out));
}

static void do_checkstate(struct job *j)
{
	static const char *const names[] = {
		[NOTE_UNSPENT] = "UNSPENT", [NOTE_PENDING] = "PENDING", [NOTE_SPENT] = "SPENT"
	};
	json_t *body = json_object_in(j->a), *states = json_array_in(j->a), *list;

	if (!read_list(j, "Ys", CASHU_TOO_MANY_INPUTS, &list))
		return;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *hex = json_string_value(json_array_get(list, i));
		json_t *entry = json_object();
		struct pubkey y;
		struct err err;

		json_add_take(states, entry);
		if (hex == NULL || !hex_decode(hex, y.b, sizeof(y.b))) {
			(void)ERR(&err, ERR_PARSE, "Ys[%zu] is not a point", i);
			job_refuse_shape(j, &err);
			return;
		}
		json_set_str(entry, "Y", hex);
		json_set_str(entry, "state", names[mint_note_state(j->m, &y)]);
		json_set_str(entry, "witness", NULL);
	}
	json_set(body, "states", states);
	job_answer(j, body);
}

static void do_restore(struct job *j)
{
	json_t *body = json_object_in(j->a), *outputs = json_array_in(j->a), *signatures = json_array_in(j->a), *list;

	if (!read_list(j, "outputs", CASHU_TOO_MANY_OUTPUTS, &list))
		return;
	for (size_t i = 0; i < json_array_size(list); i++) {
		json_t *v = json_array_get(list, i);
		const struct mint_output *o;
		struct pubkey b;
		struct err err;

		if (wire_pubkey(v, "B_", &b, &err) != 0) {
			job_refuse_shape(j, &err);
			return;
		}
		o = mint_output_signed(j->m, &b);
		if (o == NULL)
			continue;
		json_add(outputs, v);
		json_add_take(signatures, mint_promise_json(&o->promise, j->m->opts.dleq));
	}
	json_set(body, "outputs", outputs);
	json_set(body, "signatures", signatures);
	job_answer(j, body);
}

/* --- what we are --- */

static json_t *keyset_json(struct arena *a, const struct mint_keyset *ks, bool with_keys)
{
	json_t *v = json_object(), *keys;

	json_set_str(v, "id", ks->pub.id.s);
	json_set_str(v, "unit", ks->pub.unit.s);
	json_set_bool(v, "active", ks->pub.active);
	json_set_u64(v, "input_fee_ppk", ks->pub.input_fee_ppk);
	if (!with_keys)
		return v;
	keys = json_object();
	for (size_t i = 0; i < ks->pub.n_keys; i++)
		json_set_take(keys, arena_printf(a, "%" PRIu64, ks->pub.keys[i].amount),
			      wire_hex(ks->pub.keys[i].key.b, sizeof(ks->pub.keys[i].key.b)));
	json_set_take(v, "keys", keys);
	return v;
}

/* Which keysets: those that pass the filter. */
static void answer_keysets(struct job *j, bool active_only, const char *id, bool with_keys)
{
	json_t *body = json_object_in(j->a), *list = json_array_in(j->a);

	for (size_t i = 0; i < j->m->n_keysets; i++) {
		const struct mint_keyset *ks = j->m->keysets[i];

		if ((!active_only || ks->pub.active) && (id == NULL || strcmp(id, ks->pub.id.s) == 0))
			json_add_take(list, keyset_json(j->a, ks, with_keys));
	}
	if (id != NULL && json_array_size(list) == 0) {
		job_refuse(j, CASHU_KEYSET_UNKNOWN, "Keyset is not known.");
		return;
	}
	json_set(body, "keysets", list);
	job_answer(j, body);
}

static void do_keys(struct job *j)
{
	answer_keysets(j, true, NULL, true);
}

static void do_keys_of(struct job *j)
{
	answer_keysets(j, false, j->rest, true);
}

static void do_keysets(struct job *j)
{
	answer_keysets(j, false, NULL, false);
}

static json_t *supported(bool yes)
{
	json_t *v = json_object();

	json_set_bool(v, "supported", yes);
	return v;
}

static json_t *issue_methods(const struct mint *m)
{
	json_t *v = json_object(), *list = json_array();

	for (size_t i = 0; i < m->opts.n_units; i++) {
		json_t *method = json_object();

		json_set_str(method, "method", "bolt11");
		json_set_str(method, "unit", m->opts.units[i].s);
		json_set_int(method, "min_amount", 1);
		json_set_u64(method, "max_amount", m->opts.max_amount);
		json_add_take(list, method);
	}
	json_set_take(v, "methods", list);
	json_set_bool(v, "disabled", false);
	return v;
}

static json_t *cached_endpoints(const struct mint *m)
{
	static const char *const paths[] = { "/v1/swap", "/v1/mint/bolt11", "/v1/melt/bolt11" };
	json_t *v = json_object(), *list = json_array();

	for (size_t i = 0; m->opts.cache_ttl_s > 0 && i < ARRAY_LEN(paths); i++) {
		json_t *e = json_object();

		json_set_str(e, "method", "POST");
		json_set_str(e, "path", paths[i]);
		json_add_take(list, e);
	}
	json_set_int(v, "ttl", m->opts.cache_ttl_s);
	json_set_take(v, "cached_endpoints", list);
	return v;
}

static void do_info(struct job *j)
{
	static const char *const always[] = { "7", "9", "10", "11", "14" };
	json_t *v = json_object_in(j->a), *nuts = json_object();

	json_set_str(v, "name", "walletd-testmint");
	json_set_str(v, "version", j->m->opts.dialect == MINT_CDK ? "testmint-as-cdk/1" : "testmint-as-nutshell/1");
	json_set_str(v, "description", "Play money: its notes are worth nothing and die with the process.");
	json_set_int(v, "time", clock_now_ms() / 1000);
	json_set_take(v, "nuts", nuts);
	json_set_take(nuts, "4", issue_methods(j->m));
	json_set_take(nuts, "5", issue_methods(j->m)); /* all that is issued can be paid with */
	for (size_t i = 0; i < ARRAY_LEN(always); i++)
		json_set_take(nuts, always[i], supported(true));
	json_set_take(nuts, "12", supported(j->m->opts.dleq));
	json_set_take(nuts, "20", supported(j->m->opts.quote_lock != 0));
	if (j->m->opts.cache_ttl_s > 0)
		json_set_take(nuts, "19", cached_endpoints(j->m));
	job_answer(j, v);
}

/* --- which of them --- */

static const struct endpoint {
	const char *method, *path;
	bool rest;    /* the path goes on after this */
	bool outputs; /* carries outputs that the mint is to sign: counted, and cached by NUT-19 */
	void (*run)(struct job *j);
} endpoints[] = {
	{ "GET", "/v1/info", false, false, do_info },
	{ "GET", "/v1/keys", false, false, do_keys },
	{ "GET", "/v1/keys/", true, false, do_keys_of },
	{ "GET", "/v1/keysets", false, false, do_keysets },
	{ "POST", "/v1/swap", false, true, do_swap },
	{ "POST", "/v1/mint/quote/bolt11", false, false, do_quote },
	{ "GET", "/v1/mint/quote/bolt11/", true, false, do_quote_check },
	{ "POST", "/v1/mint/bolt11", false, true, do_issue },
	{ "POST", "/v1/melt/quote/bolt11", false, false, job_melt_quote },
	{ "GET", "/v1/melt/quote/bolt11/", true, false, job_melt_quote_check },
	{ "POST", "/v1/melt/bolt11", false, true, job_melt },
	{ "POST", "/v1/checkstate", false, false, do_checkstate },
	{ "POST", "/v1/restore", false, false, do_restore },
};
_Static_assert(ARRAY_LEN(endpoints) <= MINT_ENDPOINTS_MAX, "each is counted");

json_t *mint_requests_json(const struct mint *m, struct arena *a)
{
	json_t *v = json_object_in(a);

	for (size_t i = 0; i < ARRAY_LEN(endpoints); i++)
		json_set_u64(v, arena_printf(a, "%s %s", endpoints[i].method, endpoints[i].path), m->asked[i]);
	return v;
}

static const struct endpoint *endpoint_of(const struct mint_call *call)
{
	for (size_t i = 0; i < ARRAY_LEN(endpoints); i++) {
		const struct endpoint *e = &endpoints[i];

		if (strcmp(call->method, e->method) == 0 &&
		    (e->rest ? text_starts(call->path, e->path) : strcmp(call->path, e->path) == 0))
			return e;
	}
	return NULL;
}

void mint_arrived(struct mint *m, const struct mint_call *call)
{
	const struct endpoint *e = endpoint_of(call);

	if (e == NULL)
		return;
	m->asked[e - endpoints]++;
	if (e->outputs && call->json != NULL)
		mint_saw(m, e->path, call->json);
}

struct mint_call mint_call_of(struct arena *a, const char *method, const char *path, struct bytes body)
{
	struct mint_call call = { .method = method, .path = path, .body = body };
	struct err err;

	if (json_parse(a, body, DEPTH_MAX, &call.json, &err) != 0 || !json_is_object(call.json))
		call.json = NULL;
	return call;
}

static void answer_kept(struct job *j, const char *text)
{
	struct err err;
	json_t *v;

	if (json_parse(j->a, bytes_of(text), DEPTH_MAX, &v, &err) != 0)
		err_fatal("a reply that was kept does not parse");
	job_answer(j, v);
}

static void run(const struct endpoint *e, struct job *j, struct bytes body)
{
	struct hash32 request;
	const char *kept;

	if (!e->outputs) {
		e->run(j);
		return;
	}
	sha256_two(bytes_of(e->path), body, &request);
	kept = mint_cached(j->m, &request);
	if (kept != NULL) {
		answer_kept(j, kept);
		return;
	}
	e->run(j);
	if (j->ret->status == 200)
		mint_keep(j->m, &request, json_text(j->a, j->ret->body));
}

void mint_answer(struct mint *m, struct arena *a, const struct mint_call *call, struct mint_answer *ret)
{
	const struct endpoint *e = endpoint_of(call);
	struct job j = { .m = m, .a = a, .body = call->json, .ret = ret };
	struct err err;

	if (e == NULL) {
		mint_refuse(a, ret, 404, -1, "Not Found");
		return;
	}
	j.rest = call->path + strlen(e->path);
	if (strcmp(e->method, "POST") == 0 && call->json == NULL) {
		(void)ERR(&err, ERR_PARSE, "the body is not a JSON object");
		job_refuse_shape(&j, &err);
		return;
	}
	run(e, &j, call->body);
}
