#include "actions/cashu.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "actions/cashu_condition.h"
#include "actions/ecash.h"
#include "base/backoff.h"
#include "base/hash.h"
#include "base/text.h"
#include "rails/cashu/keyset.h"
#include "rails/cashu/output.h"
#include "rails/keys/keyring.h"
#include "store/event_store.h"
#include "store/key_index_store.h"

#define KEYSETS_FRESH_MS (10 * 60 * 1000) /* spec 6.4: before new outputs are made */
#define QUOTE_TRIES      5                /* spec 2.4: then a no is a no */

void cashu_place_save(json_t *to, const struct cashu_place *p)
{
	json_set_str(to, "mint", p->mint);
	json_set_int(to, "mint_id", p->mint_id);
	json_set_str(to, "unit", p->unit.s);
	json_set_str(to, "sync", p->sync.s);
	json_set_u64(to, "unsynced", p->unsynced);
	json_set_bool(to, "trust", p->trust);
	json_set_bool(to, "stale", p->stale);
}

int cashu_place_load(const json_t *from, struct cashu_place *p, struct err *err)
{
	const char *unit, *sync;
	uint64_t unsynced = 0; /* of which older checkpoints know nothing */

	if (json_get_str(from, "mint", MINT_URL_MAX, &p->mint, err) != 0 ||
	    json_get_i64(from, "mint_id", &p->mint_id, err) != 0 ||
	    json_get_str(from, "unit", sizeof(p->unit.s), &unit, err) != 0 ||
	    json_get_str(from, "sync", ACTION_ID_MAX, &sync, err) != 0 ||
	    json_opt_u64(from, "unsynced", UINT32_MAX, &unsynced, err) != 0 ||
	    json_get_bool(from, "trust", &p->trust, err) != 0 || json_get_bool(from, "stale", &p->stale, err) != 0)
		return -1;
	if (!currency_parse(unit, &p->unit) || (*sync && !action_id_parse(sync, &p->sync)))
		return ERR(err, ERR_PARSE, "a checkpoint with a bad unit or child");
	p->unsynced = (uint32_t)unsynced;
	return 0;
}

#define POINT_TEXT (2 * sizeof(((struct pubkey *)0)->b))

json_t *cashu_points_json(struct arena *a, const struct pubkey *points, size_t n)
{
	json_t *list = json_array_in(a);
	char hex[POINT_TEXT + 1];

	for (size_t i = 0; i < n; i++) {
		hex_encode(points[i].b, sizeof(points[i].b), hex);
		json_add_take(list, json_string(hex));
	}
	return list;
}

int cashu_points_load(const json_t *from, const char *name, size_t max, struct pubkey *ret, size_t *n, struct err *err)
{
	json_t *list;

	if (json_get_arr(from, name, max, &list, err) != 0)
		return -1;
	for (size_t i = 0; i < json_array_size(list); i++) {
		const char *hex = json_string_value(json_array_get(list, i));

		if (!hex || strlen(hex) != POINT_TEXT || !hex_decode(hex, ret[i].b, sizeof(ret[i].b)))
			return ERR(err, ERR_PARSE, "a checkpoint with a bad point among its %s", name);
	}
	*n = json_array_size(list);
	return 0;
}

int cashu_mint_load(struct step *s, const struct cashu_place *p, struct cashu_mint *ret, struct err *err)
{
	if (mint_store_by_id(s->view, s->arena, p->mint_id, &ret->row, err) != 0)
		return -1;
	return keyset_store_list(s->view, s->arena, p->mint_id, &ret->keysets, &ret->n, err);
}

int cashu_output_keyset(struct step *s, const struct cashu_mint *m, struct currency unit, const struct keyset **ret,
			struct err *err)
{
	*ret = keyset_choose(m->keysets, m->n, unit, s->now_ms / 1000);
	if (*ret)
		return 0;
	ERR(err, ERR_UNIT, "%s has no active keyset for the unit %s", m->row.url, unit.s);
	err_hint(err, "mint.list shows the units of each mint");
	return err_field(err, "unit");
}

void cashu_child_error(const struct action_row *child, struct err *ret)
{
	ERR(ret, child->error_kind ? err_code_of(child->error_kind) : ERR_INTERNAL, "%s",
	    child->error_msg ? child->error_msg : "the child ended without saying why");
}

static int sync_start(struct step *s, struct cashu_place *p, struct err *err)
{
	json_t *params = json_object_in(s->arena);

	json_set_str(params, "mint", p->mint);
	json_set_bool(params, "add", p->trust);
	return step_start_child(s, "cashu_mint_sync", params, &p->sync, err);
}

struct outcome cashu_sync(struct step *s, struct cashu_place *p, int next, struct err *err)
{
	struct mint_row mint;
	struct action_row child;
	int64_t age;

	if (!action_id_is_empty(&p->sync)) {
		struct err why;

		if (action_store_get(s->view, s->arena, &p->sync, &child, err) != 0)
			return outcome_trouble(err);
		if (!action_status_is_final(child.status))
			return outcome_park(s->row.state, ACTION_NO_WAKE);
		p->sync.s[0] = '\0';
		if (child.status != ACTION_DONE) {
			cashu_child_error(&child, &why);
			/* Counted here: the row's own count begins anew with each child. */
			p->unsynced++;
			return outcome_park_error(s->row.state, s->now_ms + backoff_ms(p->unsynced), &why);
		}
		p->unsynced = 0;
		p->stale = false;
		return outcome_next(next);
	}
	if (mint_store_by_id(s->view, s->arena, p->mint_id, &mint, err) != 0)
		return outcome_trouble(err);
	age = s->now_ms - mint.synced_at_ms;
	if (!p->stale && (mint.trusted || !p->trust) && mint.synced_at_ms && age >= 0 && age < KEYSETS_FRESH_MS)
		return outcome_next(next);
	if (sync_start(s, p, err) != 0)
		return outcome_trouble(err);
	return outcome_park(s->row.state, ACTION_NO_WAKE);
}

static int draw_ascending(const void *a, const void *b)
{
	const struct cashu_draw *x = a, *y = b;

	if (x->amount != y->amount)
		return x->amount < y->amount ? -1 : 1;
	return (int)x->purpose - (int)y->purpose;
}

/* One output from one counter.  A counter that gives no valid output is passed over (a chance of 2^-128). */
static int draw_one(struct step *s, const struct keyset *ks, const struct cashu_draw *what, int64_t counter,
		    struct output *ret, struct err *err)
{
	char text[KEYRING_SECRET_TEXT];
	SCOPED(secret) struct secret r;
	int rc;

	rc = keyring_cashu_output(s->keys, &ks->id, (uint64_t)counter, text, &r, err);
	if (rc == 0)
		rc = output_make(s->arena, &ks->id, what->amount, text, &r, what->purpose, counter, ret, err);
	secret_wipe(text, sizeof(text));
	return rc;
}

/* HMAC of the salt over a word and two numbers. */
static void salted(const struct cashu_seal *seal, const char *word, size_t at, uint8_t ret[32])
{
	SCOPED(buf) struct buf text = BUF_CAP(64);

	buf_printf(&text, "%s %" PRIu32 " %zu", word, seal->round, at);
	hmac_sha256((struct bytes){ seal->salt.b, sizeof(seal->salt.b) }, buf_bytes(&text), ret);
}

static int draw_sealed(struct step *s, const struct keyset *ks, const struct cashu_draw *what,
		       const struct cashu_seal *seal, size_t at, struct output *ret, struct err *err)
{
	SCOPED(secret) struct secret r;
	uint8_t nonce[32];
	char *text;

	salted(seal, "nonce", at, nonce);
	salted(seal, "r", at, r.b);
	if (condition_secret(s->arena, seal->condition, nonce, &text, err) != 0)
		return -1;
	return output_make(s->arena, &ks->id, what->amount, text, &r, what->purpose, -1, ret, err);
}

static bool is_sealed(const struct cashu_draw *what, const struct cashu_seal *seal)
{
	return seal->condition && what->purpose == OUTPUT_FOR_PARENT;
}

int cashu_outputs_draw_sealed(struct step *s, int64_t mint_id, const struct keyset *ks, struct cashu_draw *what,
			      size_t n, const struct cashu_seal *seal, struct err *err)
{
	struct output *outputs = ARENA_ARRAY(s->arena, n, struct output);
	int64_t counter = 0;
	uint32_t derived = 0;

	qsort(what, n, sizeof(*what), draw_ascending);
	for (size_t i = 0; i < n; i++)
		derived += !is_sealed(&what[i], seal);
	if (derived && keyset_counter_take(s->unit, &ks->id, derived, &counter, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++) {
		int64_t at;

		if (is_sealed(&what[i], seal)) {
			if (draw_sealed(s, ks, &what[i], seal, i, &outputs[i], err) != 0)
				return -1;
			continue;
		}
		at = counter++;
		while (draw_one(s, ks, &what[i], at, &outputs[i], err) != 0) {
			if (err->code != ERR_CRYPTO || keyset_counter_take(s->unit, &ks->id, 1, &at, err) != 0)
				return -1;
		}
	}
	return output_store_add(s->unit, &s->row.id, mint_id, outputs, n, s->now_ms, err);
}

int cashu_outputs_draw(struct step *s, int64_t mint_id, const struct keyset *ks, struct cashu_draw *what, size_t n,
		       struct err *err)
{
	static const struct cashu_seal none;

	return cashu_outputs_draw_sealed(s, mint_id, ks, what, n, &none, err);
}

struct note cashu_note(const struct keyset *ks, uint64_t amount, int64_t now_ms)
{
	bool expiring = keyset_expires_soon(ks, now_ms / 1000);

	return (struct note){ .amount = amount,
			      .input_fee_ppk = ks->input_fee_ppk,
			      .retiring = expiring || !ks->active,
			      .expiring = expiring };
}

int cashu_purse(struct step *s, const struct cashu_place *p, const struct cashu_mint *m, struct proof_row **ret_rows,
		struct note **ret_notes, size_t *n, struct err *err)
{
	struct proof_row *rows;
	struct note *notes;
	size_t all, usable = 0;

	if (proof_store_spendable(s->view, s->arena, p->mint_id, p->unit, SELECT_INPUTS_MAX, &rows, &all, err) != 0)
		return -1;
	if (!arena_room(s->arena, all * sizeof(*notes)))
		return ERR(err, ERR_RANGE, "%zu proofs are too many to choose from", all);
	notes = ARENA_ARRAY(s->arena, all, struct note);
	for (size_t i = 0; i < all; i++) {
		const struct keyset *ks = keyset_find(m->keysets, m->n, &rows[i].proof.keyset);

		if (!ks)
			return ERR(err, ERR_KEYSET_UNKNOWN, "a proof of keyset %s, which is not known",
				   rows[i].proof.keyset.s);
		if (keyset_expired(ks, s->now_ms / 1000))
			continue;
		rows[usable] = rows[i];
		notes[usable++] = cashu_note(ks, rows[i].proof.amount, s->now_ms);
	}
	*ret_rows = rows;
	*ret_notes = notes;
	*n = usable;
	return 0;
}

int cashu_held(struct step *s, const struct cashu_place *p, uint64_t **ret, size_t *n, struct err *err)
{
	struct proof_row *rows;

	if (proof_store_spendable(s->view, s->arena, p->mint_id, p->unit, SPLIT_KEEP_TARGET, &rows, n, err) != 0)
		return -1;
	*ret = ARENA_ARRAY(s->arena, *n, uint64_t);
	for (size_t i = 0; i < *n; i++)
		(*ret)[i] = rows[i].proof.amount;
	return 0;
}

struct outcome cashu_retry(struct step *s, const struct cashu_place *p, const struct err *why, struct err *err)
{
	if (mint_store_set_trouble(s->unit, p->mint_id, err_kind(why->code), s->now_ms, err) != 0)
		return outcome_trouble(err);
	return outcome_retry(s, why);
}

struct outcome cashu_quote_retry(struct step *s, const struct cashu_place *p, const struct err *why, struct err *err)
{
	/* Its own words come with 400, and mostly with a code; anything else is of somebody in between, or of nobody. */
	bool said_no = why->code == ERR_PEER_DOWN && (why->peer_code == 400 || why->peer_code >= 10000);
	struct err no;

	if (!said_no || s->row.attempts + 1 < QUOTE_TRIES)
		return cashu_retry(s, p, why, err);
	if (mint_store_set_trouble(s->unit, p->mint_id, NULL, s->now_ms, err) != 0)
		return outcome_trouble(err);
	ERR(&no, ERR_PEER, "%s", why->msg);
	no.peer_code = why->peer_code;
	return outcome_failed(&no, "no");
}

int cashu_mint_well(struct step *s, const struct mint_row *mint, struct err *err)
{
	return mint->trouble ? mint_store_set_trouble(s->unit, mint->id, NULL, s->now_ms, err) : 0;
}

int cashu_recovered(struct step *s, const struct cashu_place *p, enum cashu_recovery by, struct err *err)
{
	json_t *told = json_object_in(s->arena);

	json_set_str(told, "mint", p->mint);
	json_set_str(told, "by", by == CASHU_BY_REPLAY ? "replay" : "restore");
	return event_append(s->unit, "ecash.recovered", s->row.id.s, json_text(s->arena, told), err);
}

int cashu_known_mint(struct step *s, const json_t *params, struct cashu_place *ret, struct err *err)
{
	struct mint_row mint;
	const char *text;

	if (json_get_str(params, "mint", MINT_URL_MAX, &text, err) != 0 ||
	    ecash_mint_find(s->view, s->arena, text, &mint, err) != 0)
		return err_field(err, "mint");
	ret->mint = s->row.peer = mint.url;
	ret->mint_id = mint.id;
	/* Of all units; the word is only there because every ecash action has one. */
	if (!currency_parse("sat", &ret->unit))
		return ERR(err, ERR_INTERNAL, "sat is no unit");
	json_set_str(s->plan, "mint", ret->mint);
	return 0;
}

int cashu_tell(struct step *s, const char *event, const struct cashu_place *p, struct ecash amount, struct err *err)
{
	json_t *told = json_object_in(s->arena);

	json_set_str(told, "mint", p->mint);
	json_set_str(told, "unit", amount.unit.s);
	json_set_u64(told, "amount", ecash_value(amount));
	return event_append(s->unit, event, s->row.id.s, json_text(s->arena, told), err);
}

int cashu_unit_param(const json_t *params, struct currency *ret, struct err *err)
{
	const char *unit = "sat";

	if (json_opt_str(params, "unit", sizeof(ret->s), &unit, err) != 0)
		return -1;
	if (currency_parse(unit, ret))
		return 0;
	ERR(err, ERR_PARAM, "a unit is 1 to 15 characters of a-z, 0-9, '-' and '_'");
	return err_field(err, "unit");
}
