/* actions/cashu_restore.c - find the ecash again that this wallet's words once made at a mint: NUT-13 and NUT-09,
 * spec/cashu.md 6.6.
 *
 *   syncing → planning → scanning ⇄ checking → done
 *
 * Of each keyset, also of the retired ones, the mint is asked about RESTORE_BATCH outputs at a time until it has signed none
 * of several batches in a row; what it signed and what is not spent becomes ours.  The counter of the keyset moves past
 * what was found, so that nothing is drawn twice.  Where it stands is in the checkpoint after each batch.
 *
 * Outputs of an action that is under way are left to that action. */
#include <inttypes.h>
#include <string.h>

#include "actions/cashu.h"
#include "actions/ecash.h"
#include "actions/kinds.h"
#include "base/text.h"
#include "rails/cashu/checkstate.h"
#include "rails/cashu/dhke.h"
#include "rails/cashu/keyset.h"
#include "rails/cashu/mint_info.h"
#include "rails/cashu/mint_url.h"
#include "rails/cashu/output.h"
#include "rails/cashu/promise.h"
#include "rails/cashu/restore.h"
#include "rails/keys/keyring.h"
#include "store/key_index_store.h"

enum restore_state { /* stored: append, never renumber */
		     RESTORE_SYNCING = 1,
		     RESTORE_PLANNING = 2,
		     RESTORE_SCANNING = 3,
		     RESTORE_CHECKING = 4
};

#define RESTORE_BATCH   100 /* spec 6.6; not more than CHECKSTATE_BATCH */
#define EMPTY_BATCHES   3
#define PENDING_WAIT_MS 5000
#define PENDING_WAITS   6 /* a payment may be under way with a note, or may hang: it is looked at so often */
#define V1_COUNTERS     (INT64_C(1) << 31)

/* One keyset, and how far it was looked through. */
struct scan {
	struct keyset_id id;
	struct currency unit;
	bool active;
	int64_t next;    /* counter of the next batch */
	int64_t highest; /* that the mint has signed, or -1 */
	uint64_t empty;  /* batches in a row */
	uint64_t signatures, restored, spent, pending, known;
	uint64_t amount; /* of those restored */
};

/* What the mint has signed of a batch, and this wallet does not know; all but what the words give. */
struct hit {
	int64_t counter;
	uint64_t amount;
	struct pubkey c;
	struct dleq dleq;
};

struct restore {
	struct cashu_place at;
	uint64_t gap; /* so many batches in a row must be empty */
	struct scan *scans;
	size_t n_scans, scan; /* the one at work */
	struct hit hits[RESTORE_BATCH];
	size_t n_hits;
	uint64_t waits; /* for notes that are pending at the mint */
};

/* --- the checkpoint --- */

static json_t *scan_json(struct arena *a, const struct scan *k)
{
	json_t *v = json_object_in(a);

	json_set_str(v, "keyset", k->id.s);
	json_set_str(v, "unit", k->unit.s);
	json_set_bool(v, "active", k->active);
	json_set_int(v, "next", k->next);
	json_set_int(v, "highest", k->highest);
	json_set_u64(v, "empty", k->empty);
	json_set_u64(v, "signatures", k->signatures);
	json_set_u64(v, "restored", k->restored);
	json_set_u64(v, "spent", k->spent);
	json_set_u64(v, "pending", k->pending);
	json_set_u64(v, "known", k->known);
	json_set_u64(v, "amount", k->amount);
	return v;
}

static int scan_read(const json_t *v, struct scan *ret, struct err *err)
{
	const char *id, *unit;

	if (json_get_str(v, "keyset", KEYSET_ID_MAX, &id, err) != 0 ||
	    json_get_str(v, "unit", sizeof(ret->unit.s), &unit, err) != 0 ||
	    json_get_bool(v, "active", &ret->active, err) != 0 || json_get_i64(v, "next", &ret->next, err) != 0 ||
	    json_get_i64(v, "highest", &ret->highest, err) != 0 ||
	    json_get_u64(v, "empty", INT64_MAX, &ret->empty, err) != 0 ||
	    json_get_u64(v, "signatures", INT64_MAX, &ret->signatures, err) != 0 ||
	    json_get_u64(v, "restored", INT64_MAX, &ret->restored, err) != 0 ||
	    json_get_u64(v, "spent", INT64_MAX, &ret->spent, err) != 0 ||
	    json_get_u64(v, "pending", INT64_MAX, &ret->pending, err) != 0 ||
	    json_get_u64(v, "known", INT64_MAX, &ret->known, err) != 0 ||
	    json_get_u64(v, "amount", AMOUNT_MAX, &ret->amount, err) != 0)
		return -1;
	if (!keyset_id_parse(id, &ret->id) || !currency_parse(unit, &ret->unit))
		return ERR(err, ERR_PARSE, "a checkpoint with a bad keyset");
	return 0;
}

static json_t *hit_json(struct arena *a, const struct hit *h)
{
	json_t *v = json_object_in(a);
	char hex[2 * sizeof(h->c.b) + 1];

	json_set_int(v, "counter", h->counter);
	json_set_u64(v, "amount", h->amount);
	hex_encode(h->c.b, sizeof(h->c.b), hex);
	json_set_str(v, "c", hex);
	if (h->dleq.present) {
		hex_encode(h->dleq.e.b, sizeof(h->dleq.e.b), hex);
		json_set_str(v, "e", hex);
		hex_encode(h->dleq.s.b, sizeof(h->dleq.s.b), hex);
		json_set_str(v, "s", hex);
	}
	return v;
}

static int hit_read(const json_t *v, struct hit *ret, struct err *err)
{
	const char *c, *e = NULL, *s = NULL;

	if (json_get_i64(v, "counter", &ret->counter, err) != 0 ||
	    json_get_u64(v, "amount", AMOUNT_MAX, &ret->amount, err) != 0 || json_get_str(v, "c", 66, &c, err) != 0 ||
	    json_opt_str(v, "e", 64, &e, err) != 0 || json_opt_str(v, "s", 64, &s, err) != 0)
		return -1;
	ret->dleq.present = e && s;
	if (!hex_decode(c, ret->c.b, sizeof(ret->c.b)) ||
	    (ret->dleq.present && (!hex_decode(e, ret->dleq.e.b, sizeof(ret->dleq.e.b)) ||
				   !hex_decode(s, ret->dleq.s.b, sizeof(ret->dleq.s.b)))))
		return ERR(err, ERR_PARSE, "a checkpoint with a bad signature");
	return 0;
}

static json_t *restore_save(struct step *s)
{
	const struct restore *m = s->checkpoint;
	json_t *cp = json_object_in(s->arena), *scans = json_array_in(s->arena), *hits = json_array_in(s->arena);

	cashu_place_save(cp, &m->at);
	json_set_u64(cp, "gap", m->gap);
	for (size_t i = 0; i < m->n_scans; i++)
		json_add(scans, scan_json(s->arena, &m->scans[i]));
	json_set(cp, "scans", scans);
	json_set_u64(cp, "scan", m->scan);
	for (size_t i = 0; i < m->n_hits; i++)
		json_add(hits, hit_json(s->arena, &m->hits[i]));
	json_set(cp, "hits", hits);
	json_set_u64(cp, "waits", m->waits);
	return cp;
}

static int restore_load(struct step *s, const json_t *cp, struct err *err)
{
	struct restore *m = ARENA_NEW(s->arena, struct restore);
	json_t *scans, *hits;
	uint64_t scan;

	s->checkpoint = m;
	if (cashu_place_load(cp, &m->at, err) != 0 || json_get_u64(cp, "gap", INT64_MAX, &m->gap, err) != 0 ||
	    json_get_arr(cp, "scans", KEYSETS_OF_MINT_MAX, &scans, err) != 0 ||
	    json_get_u64(cp, "scan", KEYSETS_OF_MINT_MAX, &scan, err) != 0 ||
	    json_get_arr(cp, "hits", RESTORE_BATCH, &hits, err) != 0 ||
	    json_get_u64(cp, "waits", INT64_MAX, &m->waits, err) != 0)
		return -1;
	m->scan = scan;
	m->n_scans = json_array_size(scans);
	m->scans = ARENA_ARRAY(s->arena, m->n_scans, struct scan);
	for (size_t i = 0; i < m->n_scans; i++)
		if (scan_read(json_array_get(scans, i), &m->scans[i], err) != 0)
			return -1;
	m->n_hits = json_array_size(hits);
	for (size_t i = 0; i < m->n_hits; i++)
		if (hit_read(json_array_get(hits, i), &m->hits[i], err) != 0)
			return -1;
	return 0;
}

/* --- what it has to tell --- */

static json_t *scan_report(struct arena *a, const struct scan *k)
{
	json_t *v = json_object_in(a);

	json_set_str(v, "id", k->id.s);
	json_set_str(v, "unit", k->unit.s);
	json_set_bool(v, "active", k->active);
	json_set_int(v, "scanned", k->next);
	json_set_u64(v, "signatures", k->signatures);
	json_set_u64(v, "restored", k->restored);
	json_set_u64(v, "amount", k->amount);
	json_set_u64(v, "spent", k->spent);
	json_set_u64(v, "pending", k->pending);
	json_set_u64(v, "known", k->known);
	return v;
}

/* Per unit, over its keysets. */
static json_t *sums(struct arena *a, const struct restore *m)
{
	json_t *v = json_object_in(a);

	for (size_t i = 0; i < m->n_scans; i++) {
		const char *unit = m->scans[i].unit.s;
		json_int_t so_far = json_integer_value(json_object_get(v, unit));

		json_set_int(v, unit, so_far + (int64_t)m->scans[i].amount);
	}
	return v;
}

static json_t *report(struct arena *a, const struct restore *m)
{
	static const char *const limits[] = {
		"A token that was sent and that nobody has claimed is yours again, and still its holder's: who is first has it.",
		"A token that was locked to somebody cannot be brought back by words: its text is needed.",
		"Ecash that was received with these words at other mints is found by asking those.",
	};
	json_t *v = json_object_in(a), *keysets = json_array_in(a), *words = json_array_in(a);

	json_set_str(v, "mint", m->at.mint);
	json_set_u64(v, "keysets_done", m->scan);
	for (size_t i = 0; i < m->n_scans; i++)
		json_add(keysets, scan_report(a, &m->scans[i]));
	json_set(v, "keysets", keysets);
	json_set(v, "restored", sums(a, m));
	for (size_t i = 0; i < ARRAY_LEN(limits); i++)
		json_add_take(words, json_string(limits[i]));
	json_set(v, "limits", words);
	return v;
}

static json_t *restore_progress(struct step *s, bool secrets)
{
	(void)secrets;
	return report(s->arena, s->checkpoint);
}

/* --- start --- */

/* The mint as the caller wrote it: a bare address when it is new, which the sync fills in. */
static int find_mint(struct step *s, const char *text, struct cashu_place *at, struct err *err)
{
	char *url = arena_alloc(s->arena, MINT_URL_MAX + 1);
	struct mint_row row;

	if (mint_url_normalise(text, url, err) != 0)
		return err_field(err, "mint");
	at->mint = url;
	at->trust = true;
	s->row.peer = url;
	if (mint_store_by_url(s->view, s->arena, url, &row, err) == 0) {
		at->mint_id = row.id;
		return 0;
	}
	if (err->code != ERR_MINT_UNKNOWN)
		return -1;
	row = (struct mint_row){ .url = url, .added_at_ms = s->now_ms };
	return mint_store_add(s->unit, &row, &at->mint_id, err);
}

static int restore_start(struct step *s, const json_t *params, struct err *err)
{
	struct restore *m = ARENA_NEW(s->arena, struct restore);
	const char *text;

	s->checkpoint = m;
	m->gap = EMPTY_BATCHES;
	if (json_get_str(params, "mint", MINT_URL_MAX, &text, err) != 0 || find_mint(s, text, &m->at, err) != 0 ||
	    json_opt_u64(params, "gap", INT64_MAX, &m->gap, err) != 0)
		return -1;
	/* Of all units; the word is only there because every ecash action has one. */
	if (!currency_parse("sat", &m->at.unit))
		return ERR(err, ERR_INTERNAL, "sat is no unit");
	m->at.stale = true; /* a keyset that was retired yesterday may hold everything */
	json_set_str(s->plan, "mint", m->at.mint);
	return RESTORE_SYNCING;
}

static struct outcome syncing_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct restore *m = s->checkpoint;
	struct outcome o = cashu_sync(s, &m->at, RESTORE_PLANNING, err);
	struct mint_row mint;

	(void)rep;
	if (o.tag != OUTCOME_PARK || o.err.code == ERR_NONE)
		return o;
	/* A mint that nobody here has ever reached: who named it hears so. */
	if (mint_store_by_id(s->view, s->arena, m->at.mint_id, &mint, err) != 0)
		return outcome_trouble(err);
	return mint.synced_at_ms ? o : outcome_failed(&o.err, "no");
}

/* --- which keysets --- */

static int refuse_forgetful(struct step *s, const struct mint_row *mint, struct err *err)
{
	struct mint_info info;

	if (mint_info_parse(s->arena, bytes_of(mint->info ? mint->info : "{}"), &info, err) != 0)
		return -1;
	if (info.restore)
		return 0;
	ERR(err, ERR_UNSUPPORTED, "%s does not tell what it has signed (NUT-09): only a backup brings its ecash back",
	    mint->url);
	return err_field(err, "mint");
}

static struct outcome planning_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct restore *m = s->checkpoint;
	struct cashu_mint mint;

	(void)rep;
	if (cashu_mint_load(s, &m->at, &mint, err) != 0)
		return outcome_trouble(err);
	if (refuse_forgetful(s, &mint.row, err) != 0)
		return err->code == ERR_UNSUPPORTED ? outcome_failed(err, "no") : outcome_trouble(err);
	m->scans = ARENA_ARRAY(s->arena, mint.n, struct scan);
	m->n_scans = m->scan = 0;
	for (size_t i = 0; i < mint.n; i++) {
		const struct keyset *ks = &mint.keysets[i];
		bool expired = ks->final_expiry_s && ks->final_expiry_s <= s->now_ms / 1000;

		if (keyset_id_version(&ks->id) == KEYSET_LEGACY || expired || ks->n_keys == 0)
			continue;
		m->scans[m->n_scans++] = (struct scan){
			.id = ks->id, .unit = ks->unit, .active = ks->active, .highest = -1
		};
	}
	if (m->n_scans == 0)
		return outcome_done(report(s->arena, m));
	return outcome_next(RESTORE_SCANNING);
}

/* --- scanning --- */

/* The secret and blinding factor of one counter.  1; 0: this counter gives none, for us as for any wallet; -1. */
static int derive(struct step *s, const struct scan *k, int64_t counter, uint64_t amount, struct output *ret,
		  struct err *err)
{
	char text[KEYRING_SECRET_TEXT];
	SCOPED(secret) struct secret r;
	int rc = keyring_cashu_output(s->keys, &k->id, (uint64_t)counter, text, &r, err);

	if (rc == 0)
		rc = output_make(s->arena, &k->id, amount, text, &r, OUTPUT_KEEP, counter, ret, err);
	secret_wipe(text, sizeof(text));
	if (rc == 0)
		return 1;
	return err->code == ERR_CRYPTO ? 0 : -1;
}

/* The outputs of the batch.  Their amounts say nothing: the mint knows what it signed. */
static int batch(struct step *s, const struct scan *k, struct output **ret, size_t *n, struct err *err)
{
	struct output *outputs = ARENA_ARRAY(s->arena, RESTORE_BATCH, struct output);
	int64_t end = k->next + RESTORE_BATCH;
	size_t at = 0;

	if (keyset_id_version(&k->id) == KEYSET_V1 && end > V1_COUNTERS)
		end = V1_COUNTERS;
	for (int64_t counter = k->next; counter < end; counter++) {
		int rc = derive(s, k, counter, 1, &outputs[at], err);

		if (rc < 0)
			return -1;
		at += (size_t)rc;
	}
	*ret = outputs;
	*n = at;
	return 0;
}

static int scanning_enter(struct step *s, struct net_request *ret, struct err *err)
{
	const struct restore *m = s->checkpoint;
	struct output *outputs;
	size_t n;

	if (batch(s, &m->scans[m->scan], &outputs, &n, err) != 0)
		return -1;
	if (n == 0)
		return NOTHING_TO_ASK;
	return restore_request(s->arena, m->at.mint, outputs, n, ret, err);
}

/* To the next batch, the next keyset, or the end. */
static struct outcome scan_on(struct step *s, struct restore *m, struct err *err)
{
	struct scan *k = &m->scans[m->scan];

	m->n_hits = 0;
	m->waits = 0;
	if (k->highest >= 0 && keyset_counter_raise(s->unit, &k->id, k->highest + 1, err) != 0)
		return outcome_trouble(err);
	k->next += RESTORE_BATCH;
	if (k->empty >= m->gap || (keyset_id_version(&k->id) == KEYSET_V1 && k->next >= V1_COUNTERS))
		m->scan++;
	return m->scan == m->n_scans ? outcome_done(report(s->arena, m)) : outcome_next(RESTORE_SCANNING);
}

/* Is this output one that the wallet has to do with already?  1, 0, -1. */
static int is_known(struct step *s, const struct output *o, const struct pubkey *y, struct err *err)
{
	enum output_status status;
	struct proof_row row;
	int rc = proof_store_find(s->view, s->arena, y, &row, err);

	if (rc != 0)
		return rc;
	rc = output_store_find(s->view, &o->b, &status, err);
	return rc > 0 ? status == OUTPUT_OPEN : rc;
}

/* Signatures that hold become hits, unless they are known. */
static int take_hits(struct step *s, struct restore *m, const struct cashu_mint *mint, struct restored *found,
		     struct err *err)
{
	struct scan *k = &m->scans[m->scan];
	struct proof *proofs;

	for (size_t i = 0; i < found->n; i++)
		found->outputs[i].amount = found->promises[i].amount;
	if (promises_check_and_unblind(s->arena, found->outputs, found->n, found->promises, found->n, mint->keysets,
				       mint->n, mint->row.dleq, &proofs, err) != 0)
		return -1;
	m->n_hits = 0;
	for (size_t i = 0; i < found->n; i++) {
		int known = is_known(s, &found->outputs[i], &proofs[i].y, err);

		if (known < 0)
			return -1;
		if (found->outputs[i].counter > k->highest)
			k->highest = found->outputs[i].counter;
		k->known += (uint64_t)known;
		if (!known)
			m->hits[m->n_hits++] = (struct hit){ found->outputs[i].counter, proofs[i].amount, proofs[i].c,
							     proofs[i].dleq };
	}
	k->signatures += found->n;
	k->empty = found->n ? 0 : k->empty + 1;
	return 0;
}

static struct outcome scanning_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct restore *m = s->checkpoint;
	struct restored found = { 0 };
	struct cashu_mint mint;
	struct output *outputs;
	size_t n;

	if (cashu_mint_load(s, &m->at, &mint, err) != 0 || batch(s, &m->scans[m->scan], &outputs, &n, err) != 0)
		return outcome_trouble(err);
	if (rep && restore_decode(s->arena, rep, outputs, n, &found, err) != 0)
		return outcome_trouble(err);
	if (take_hits(s, m, &mint, &found, err) != 0 || cashu_mint_well(s, &mint.row, err) != 0)
		return outcome_trouble(err);
	return m->n_hits ? outcome_next(RESTORE_CHECKING) : scan_on(s, m, err);
}

/* --- checking --- */

/* The hits as proofs. */
static int hit_proofs(struct step *s, const struct restore *m, struct proof *ret, struct err *err)
{
	for (size_t i = 0; i < m->n_hits; i++) {
		const struct hit *h = &m->hits[i];
		struct output o;
		struct point y;

		if (derive(s, &m->scans[m->scan], h->counter, h->amount, &o, err) != 1 ||
		    !dhke_hash_to_curve(bytes_of(o.secret), &y))
			return ERR(err, ERR_INTERNAL, "counter %" PRId64 " gives no secret, and did before",
				   h->counter);
		ret[i] = (struct proof){
			.amount = h->amount, .keyset = o.keyset, .secret = o.secret, .c = h->c, .dleq = h->dleq
		};
		point_compress(&y, &ret[i].y);
		if (ret[i].dleq.present) {
			ret[i].dleq.r = o.r;
			ret[i].dleq.has_r = true;
		}
	}
	return 0;
}

static int hit_ys(struct step *s, const struct restore *m, struct proof *proofs, struct pubkey *ys, struct err *err)
{
	if (hit_proofs(s, m, proofs, err) != 0)
		return -1;
	for (size_t i = 0; i < m->n_hits; i++)
		ys[i] = proofs[i].y;
	return 0;
}

static int checking_enter(struct step *s, struct net_request *ret, struct err *err)
{
	const struct restore *m = s->checkpoint;
	struct proof proofs[RESTORE_BATCH];
	struct pubkey ys[RESTORE_BATCH];

	if (hit_ys(s, m, proofs, ys, err) != 0)
		return -1;
	return checkstate_request(s->arena, m->at.mint, ys, m->n_hits, ret, err);
}

/* Those that are unspent become ours.  Another restore may have been quicker with some. */
static int keep_unspent(struct step *s, struct restore *m, const struct note_states *states, struct proof *proofs,
			struct err *err)
{
	struct scan *k = &m->scans[m->scan];
	struct movement mv = movement_begin(s->unit, &s->row.id, RAIL_ECASH, "restore", m->at.mint_id, k->unit,
					    s->now_ms);
	int64_t counters[RESTORE_BATCH];
	struct ecash sum;
	size_t n = 0;

	for (size_t i = 0; i < m->n_hits; i++) {
		struct proof_row row;
		int known = proof_store_find(s->view, s->arena, &proofs[i].y, &row, err);

		if (known < 0)
			return -1;
		k->known += (uint64_t)known;
		k->spent += !known && states->v[i] == NOTE_SPENT;
		k->pending += !known && states->v[i] == NOTE_PENDING;
		if (known || states->v[i] != NOTE_UNSPENT)
			continue;
		counters[n] = m->hits[i].counter;
		proofs[n++] = proofs[i];
	}
	if (n == 0)
		return 0;
	if (proofs_sum(proofs, n, k->unit, &sum, err) != 0)
		return -1;
	if (ecash_value(sum) > AMOUNT_MAX - k->amount)
		return ERR(err, ERR_PEER_INVALID, "the mint claims to have signed more than there can be");
	k->restored += n;
	k->amount += ecash_value(sum);
	if (proof_store_add(&mv, proofs, n, PROOF_SPENDABLE, NULL, ACCOUNT_OUTSIDE, counters, err) != 0)
		return -1;
	return movement_post(&mv, err);
}

static struct outcome checking_reply(struct step *s, const struct net_reply *rep, struct err *err)
{
	struct restore *m = s->checkpoint;
	struct proof proofs[RESTORE_BATCH];
	struct pubkey ys[RESTORE_BATCH];
	struct note_states states;

	if (hit_ys(s, m, proofs, ys, err) != 0 || checkstate_decode(s->arena, rep, ys, m->n_hits, &states, err) != 0)
		return outcome_trouble(err);
	if (states.pending && m->waits < PENDING_WAITS) {
		m->waits++;
		return outcome_park(RESTORE_CHECKING, s->now_ms + PENDING_WAIT_MS);
	}
	if (keep_unspent(s, m, &states, proofs, err) != 0)
		return outcome_trouble(err);
	return scan_on(s, m, err);
}

/* --- hooks --- */

static struct outcome restore_retry(struct step *s, const struct err *why, struct err *err)
{
	const struct restore *m = s->checkpoint;

	return cashu_retry(s, &m->at, why, err);
}

/* What was found so far is ours all the same. */
static struct outcome restore_rejected(struct step *s, const struct err *why, struct err *err)
{
	(void)s;
	(void)err;
	return outcome_failed(why, "no");
}

static struct outcome restore_cancel(struct step *s, struct err *err)
{
	struct err why;

	(void)s;
	(void)err;
	ERR(&why, ERR_CANCELLED, "cancelled; what was found so far is kept");
	return outcome_cancelled(&why);
}

static const char *restore_explain(struct step *s)
{
	const struct restore *m = s->checkpoint;

	switch ((enum restore_state)s->row.state) {
	case RESTORE_SYNCING:
		return "It asks the mint for all its keysets.";
	case RESTORE_PLANNING:
		return "It lists the keysets to look through.";
	case RESTORE_SCANNING:
		return arena_printf(s->arena,
				    "It asks what the mint has signed: keyset %zu of %zu, from number %" PRId64 ".",
				    m->scan + 1, m->n_scans, m->scans[m->scan].next);
	case RESTORE_CHECKING:
		return m->waits ? "Some of what it found is in use at the mint just now; it looks again."
				: "It asks which of the notes that it found are spent.";
	}
	return "";
}

static const struct param restore_params[] = {
	{
		.name = "mint",
		.type = PARAM_STRING,
		.flags = PARAM_REQUIRED,
		.max = MINT_URL_MAX,
		.help = "URL of the mint, which is trusted from now on.",
	},
	{
		.name = "gap",
		.type = PARAM_INT,
		.min = 1,
		.max = 1000,
		.fallback = "3",
		.help = "How many batches of 100 must be empty in a row before a keyset counts as looked through.",
	},
	{ 0 },
};

static const struct state_def restore_states[] = {
	[RESTORE_SYNCING] = { .name = "syncing", .reply = syncing_reply, .cancellable = true },
	[RESTORE_PLANNING] = { .name = "planning", .reply = planning_reply, .cancellable = true },
	[RESTORE_SCANNING] = { .name = "scanning",
			       .enter = scanning_enter,
			       .reply = scanning_reply,
			       .cancellable = true },
	[RESTORE_CHECKING] = { .name = "checking",
			       .enter = checking_enter,
			       .reply = checking_reply,
			       .cancellable = true },
};

const struct action_kind cashu_restore_kind = {
	.name = "cashu_restore",
	.summary = "Find the ecash again that this wallet's words once made at a mint.",
	.params = restore_params,
	.states = restore_states,
	.n_states = ARRAY_LEN(restore_states),
	.needs_keys = true,
	.start = restore_start,
	.save = restore_save,
	.load = restore_load,
	.on_retry = restore_retry,
	.on_rejection = restore_rejected,
	.cancel = restore_cancel,
	.progress = restore_progress,
	.explain = restore_explain,
};
