#include "rails/cashu/token.h"

#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "rails/cashu/cbor_map.h"
#include "rails/cashu/cbor_write.h"
#include "rails/cashu/dhke.h"
#include "rails/cashu/keyset.h"
#include "rails/cashu/mint_url.h"
#include "rails/cashu/wire.h"

#define V3_DEPTH_MAX   8
#define SHORT_ID_BYTES 8
#define V2_ID_BYTES    33
/* All that reading makes: the bytes of the text, joined strings, the list of proofs. */
#define SCRATCH_MAX (8 * 1024 * 1024)

/* A token being read: its proofs are in scratch memory until everything has been checked. */
struct reading {
	struct arena *scratch;
	char mint[MINT_URL_MAX + 1];
	struct token t;
	bool has_mint;
};

static int malformed(struct err *err, const char *what)
{
	return ERR(err, ERR_TOKEN, "malformed token: %s", what);
}

/* Text that JSON will not blow up when it goes to the mint, and that no terminal will stumble over. */
static bool clean_text(const char *s)
{
	for (const uint8_t *p = (const uint8_t *)s; *p != '\0'; p++)
		if (*p < 0x20 || *p == 0x7f)
			return false;
	return utf8_valid(bytes_of(s));
}

static int take_mint(struct reading *in, const char *url, struct err *err)
{
	char mint[MINT_URL_MAX + 1];
	struct err why;

	if (mint_url_normalise(url, mint, &why) != 0)
		return malformed(err, why.msg);
	if (in->has_mint && strcmp(mint, in->mint) != 0)
		return ERR(err, ERR_TOKEN, "the token has proofs of more than one mint, which is not supported");
	memcpy(in->mint, mint, sizeof(in->mint));
	in->has_mint = true;
	return 0;
}

static int take_unit(struct reading *in, const char *unit, struct err *err)
{
	if (!currency_parse(unit, &in->t.unit))
		return malformed(err, "its unit is not the name of one");
	in->t.has_unit = true;
	return 0;
}

static int take_memo(struct reading *in, const char *memo, struct err *err)
{
	if (strlen(memo) > TOKEN_MEMO_MAX)
		return ERR(err, ERR_TOKEN, "malformed token: its memo is longer than %d bytes", TOKEN_MEMO_MAX);
	in->t.memo = memo;
	return 0;
}

static int take_proof(struct reading *in, struct proof p, struct err *err)
{
	struct point y;

	if (in->t.n == CASHU_LIST_MAX)
		return ERR(err, ERR_TOKEN, "malformed token: more than %d proofs", CASHU_LIST_MAX);
	if (p.amount == 0 || p.amount > AMOUNT_MAX - in->t.sum)
		return malformed(err,
				 p.amount == 0 ? "a proof of nothing" : "its proofs add up to more than any amount");
	if (p.secret[0] == '\0' || strlen(p.secret) > CASHU_SECRET_MAX || !clean_text(p.secret))
		return malformed(err, "a proof's secret is empty, too long or not plain text");
	if (p.witness != NULL && (strlen(p.witness) > CASHU_WITNESS_MAX || !clean_text(p.witness)))
		return malformed(err, "a proof's witness is too long or not plain text");
	if (!secp_pubkey_valid(&p.c))
		return malformed(err, "a proof's C is not a point of the curve");
	if (!dhke_hash_to_curve(bytes_of(p.secret), &y))
		return malformed(err, "a proof's secret gives no point of the curve");
	point_compress(&y, &p.y);
	in->t.sum += p.amount;
	in->t.proofs[in->t.n++] = p;
	return 0;
}

static bool token_id_parse(const char *text, struct keyset_id *ret)
{
	uint8_t raw[SHORT_ID_BYTES];

	if (keyset_id_parse(text, ret))
		return true;
	if (!hex_decode(text, raw, sizeof(raw)) || raw[0] != 0x01)
		return false;
	*ret = (struct keyset_id){ 0 };
	hex_encode(raw, sizeof(raw), ret->s);
	return true;
}

/* V3: JSON. */

static int json_wrong(struct err *err)
{
	struct err was = *err;

	return malformed(err, was.msg);
}

static int read_v3_dleq(const json_t *v, struct dleq *ret, struct err *err)
{
	struct dleq d = { .present = true };
	const json_t *r = json_object_get(v, "r");

	if (wire_scalar(v, "e", &d.e, err) != 0 || wire_scalar(v, "s", &d.s, err) != 0)
		return -1;
	if (r != NULL && !json_is_null(r)) {
		if (wire_scalar(v, "r", &d.r, err) != 0)
			return -1;
		d.has_r = true;
	}
	*ret = d;
	return 0;
}

static int read_v3_proof(struct reading *in, const json_t *v, struct err *err)
{
	const json_t *dleq = json_object_get(v, "dleq"), *ephemeral = json_object_get(v, "p2pk_e");
	struct proof p = { 0 };
	const char *id;

	if (wire_amount(v, "amount", &p.amount, err) != 0 || json_get_str(v, "id", KEYSET_ID_MAX, &id, err) != 0 ||
	    json_get_str(v, "secret", CASHU_SECRET_MAX, &p.secret, err) != 0 || wire_pubkey(v, "C", &p.c, err) != 0 ||
	    json_opt_str(v, "witness", CASHU_WITNESS_MAX, &p.witness, err) != 0)
		return json_wrong(err);
	if (!token_id_parse(id, &p.keyset))
		return malformed(err, "a keyset id of no known kind");
	if (ephemeral != NULL && !json_is_null(ephemeral))
		return ERR(err, ERR_TOKEN, "the token is locked to blinded keys (NUT-28), which are not supported");
	if (dleq != NULL && !json_is_null(dleq) && read_v3_dleq(dleq, &p.dleq, err) != 0)
		return json_wrong(err);
	return take_proof(in, p, err);
}

static int read_v3(struct reading *in, struct bytes text, struct err *err)
{
	const char *unit = NULL, *memo = NULL;
	json_t *v, *groups, *group, *proofs, *proof;
	size_t i, j;

	if (json_parse(in->scratch, text, V3_DEPTH_MAX, &v, err) != 0 ||
	    json_get_arr(v, "token", CASHU_LIST_MAX, &groups, err) != 0 ||
	    json_opt_str(v, "unit", SIZE_MAX, &unit, err) != 0 || json_opt_str(v, "memo", SIZE_MAX, &memo, err) != 0)
		return json_wrong(err);
	if ((unit != NULL && take_unit(in, unit, err) != 0) || (memo != NULL && take_memo(in, memo, err) != 0))
		return -1;
	json_array_foreach(groups, i, group)
	{
		const char *mint;

		if (json_get_str(group, "mint", SIZE_MAX, &mint, err) != 0 ||
		    json_get_arr(group, "proofs", CASHU_LIST_MAX, &proofs, err) != 0)
			return json_wrong(err);
		if (take_mint(in, mint, err) != 0)
			return -1;
		json_array_foreach(proofs, j, proof) if (read_v3_proof(in, proof, err) != 0) return -1;
	}
	return 0;
}

/* V4: CBOR. */

enum { DLEQ_E, DLEQ_S, DLEQ_R };
static const struct cbor_field dleq_fields[] = {
	[DLEQ_E] = { "e", true, CBOR_BYTES },
	[DLEQ_S] = { "s", true, CBOR_BYTES },
	[DLEQ_R] = { "r", false, CBOR_BYTES },
};

static int read_dleq_field(struct cbor_source *in, size_t field, struct cbor_value v, void *to, struct err *err)
{
	struct dleq *d = to;

	switch (field) {
	case DLEQ_E:
		return cbor_exact(in, v.v, d->e.b, sizeof(d->e.b), err);
	case DLEQ_S:
		return cbor_exact(in, v.v, d->s.b, sizeof(d->s.b), err);
	default:
		d->has_r = true;
		return cbor_exact(in, v.v, d->r.b, sizeof(d->r.b), err);
	}
}

enum { PROOF_A, PROOF_S, PROOF_C, PROOF_D, PROOF_W, PROOF_PE };
static const struct cbor_field proof_fields[] = {
	[PROOF_A] = { "a", true, CBOR_UINT },  [PROOF_S] = { "s", true, CBOR_TEXT },
	[PROOF_C] = { "c", true, CBOR_BYTES }, [PROOF_D] = { "d", false, CBOR_MAP },
	[PROOF_W] = { "w", false, CBOR_TEXT }, [PROOF_PE] = { "pe", false, CBOR_BYTES },
};

static int read_proof_field(struct cbor_source *in, size_t field, struct cbor_value v, void *to, struct err *err)
{
	struct proof *p = to;

	switch (field) {
	case PROOF_A:
		p->amount = v.n;
		return 0;
	case PROOF_S:
		return cbor_text(in, v.v, SIZE_MAX, &p->secret, err);
	case PROOF_C:
		return cbor_exact(in, v.v, p->c.b, sizeof(p->c.b), err);
	case PROOF_D:
		p->dleq.present = true;
		return cbor_map_read(in, v, 5, dleq_fields, ARRAY_LEN(dleq_fields), read_dleq_field, &p->dleq, err);
	case PROOF_W:
		return cbor_text(in, v.v, SIZE_MAX, &p->witness, err);
	default:
		return ERR(err, ERR_TOKEN, "the token is locked to blinded keys (NUT-28), which are not supported");
	}
}

/* A group gives its keyset id before or after its proofs. */
struct group {
	struct keyset_id id;
	size_t first;
};

static int read_proof(struct cbor_source *in, struct cbor_value map, void *to, struct err *err)
{
	struct proof p = { 0 };

	(void)to;
	if (cbor_map_read(in, map, 4, proof_fields, ARRAY_LEN(proof_fields), read_proof_field, &p, err) != 0)
		return -1;
	return take_proof(in->owner, p, err);
}

enum { GROUP_I, GROUP_P };
static const struct cbor_field group_fields[] = {
	[GROUP_I] = { "i", true, CBOR_BYTES },
	[GROUP_P] = { "p", true, CBOR_ARRAY },
};

static int read_group_field(struct cbor_source *in, size_t field, struct cbor_value v, void *to, struct err *err)
{
	struct group *g = to;
	char hex[2 * V2_ID_BYTES + 1];

	if (field == GROUP_P)
		return cbor_array_read(in, v, CBOR_MAP, read_proof, NULL, err);
	if (v.v.n > V2_ID_BYTES)
		return malformed(err, "a keyset id of no known kind");
	hex_encode(v.v.p, v.v.n, hex);
	if (!token_id_parse(hex, &g->id) || keyset_id_version(&g->id) == KEYSET_LEGACY)
		return malformed(err, "a keyset id of no known kind");
	return 0;
}

static int read_group(struct cbor_source *in, struct cbor_value map, void *to, struct err *err)
{
	struct token *t = &((struct reading *)in->owner)->t;
	struct group g = { .first = t->n };

	(void)to;
	if (cbor_map_read(in, map, 2, group_fields, ARRAY_LEN(group_fields), read_group_field, &g, err) != 0)
		return -1;
	for (size_t i = g.first; i < t->n; i++)
		t->proofs[i].keyset = g.id;
	return 0;
}

enum { TOKEN_T, TOKEN_D, TOKEN_M, TOKEN_U };
static const struct cbor_field token_fields[] = {
	[TOKEN_T] = { "t", true, CBOR_ARRAY },
	[TOKEN_D] = { "d", false, CBOR_TEXT },
	[TOKEN_M] = { "m", true, CBOR_TEXT },
	[TOKEN_U] = { "u", true, CBOR_TEXT },
};

static int read_token_field(struct cbor_source *in, size_t field, struct cbor_value v, void *to, struct err *err)
{
	const char *text;

	(void)to;
	if (field == TOKEN_T)
		return cbor_array_read(in, v, CBOR_MAP, read_group, NULL, err);
	if (cbor_text(in, v.v, SIZE_MAX, &text, err) != 0)
		return -1;
	if (field == TOKEN_D)
		return take_memo(in->owner, text, err);
	return field == TOKEN_M ? take_mint(in->owner, text, err) : take_unit(in->owner, text, err);
}

static int read_v4(struct reading *in, struct bytes cbor, struct err *err)
{
	struct cbor_source from = {
		.a = in->scratch, .r = reader_of(cbor), .code = ERR_TOKEN, .what = "malformed token", .owner = in
	};

	return cbor_source_read(&from, token_fields, ARRAY_LEN(token_fields), read_token_field, NULL, err);
}

/* What both have in common. */

static int by_y(const void *a, const void *b)
{
	const struct proof *const *x = a, *const *y = b;

	return memcmp((*x)->y.b, (*y)->y.b, sizeof((*x)->y.b));
}

static int check_whole(struct reading *in, struct err *err)
{
	const struct proof **sorted;

	if (in->t.n == 0)
		return malformed(err, "it has no proofs");
	sorted = ARENA_ARRAY(in->scratch, in->t.n, const struct proof *);
	for (size_t i = 0; i < in->t.n; i++)
		sorted[i] = &in->t.proofs[i];
	qsort(sorted, in->t.n, sizeof(*sorted), by_y);
	for (size_t i = 1; i < in->t.n; i++)
		if (pubkey_equal(&sorted[i - 1]->y, &sorted[i]->y))
			return malformed(err, "the same secret twice");
	return 0;
}

/* What an arena makes of a string: a NUL, and rounding up. */
static size_t text_cost(const char *text)
{
	return text == NULL ? 0 : strlen(text) + 1 + 32;
}

static int copy_out(struct arena *a, const struct reading *in, struct token *ret, struct err *err)
{
	size_t need = in->t.n * sizeof(struct proof) + text_cost(in->mint) + text_cost(in->t.memo) + 32;
	struct token t = in->t;

	for (size_t i = 0; i < t.n; i++)
		need += text_cost(t.proofs[i].secret) + text_cost(t.proofs[i].witness);
	if (!arena_room(a, need))
		return ERR(err, ERR_TOKEN, "the token is too large: %zu proofs", t.n);
	t.mint = arena_strdup(a, in->mint);
	t.memo = t.memo == NULL ? NULL : arena_strdup(a, t.memo);
	t.proofs = ARENA_ARRAY(a, t.n, struct proof);
	for (size_t i = 0; i < t.n; i++) {
		struct proof *p = &t.proofs[i];

		*p = in->t.proofs[i];
		p->secret = arena_strdup(a, p->secret);
		p->witness = p->witness == NULL ? NULL : arena_strdup(a, p->witness);
	}
	*ret = t;
	return 0;
}

static bool take_prefix(struct bytes *v, const char *prefix)
{
	size_t n = strlen(prefix);

	if (v->n < n || memcmp(v->p, prefix, n) != 0)
		return false;
	v->p += n;
	v->n -= n;
	return true;
}

static bool is_space(uint8_t c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static struct bytes trimmed(struct bytes v)
{
	for (; v.n > 0 && is_space(v.p[0]); v.n--)
		v.p++;
	while (v.n > 0 && is_space(v.p[v.n - 1]))
		v.n--;
	return v;
}

static int read_any(struct reading *in, struct bytes text, struct err *err)
{
	struct bytes raw;
	bool v3;

	if (text.n > TOKEN_TEXT_MAX)
		return ERR(err, ERR_TOKEN, "malformed token: longer than %d bytes", TOKEN_TEXT_MAX);
	if (take_prefix(&text, "crawB"))
		return read_v4(in, text, err);
	text = trimmed(text);
	if (!take_prefix(&text, "cashu://"))
		(void)take_prefix(&text, "cashu:"); /* optional, like the other */
	v3 = take_prefix(&text, "cashuA");
	if (!v3 && !take_prefix(&text, "cashuB"))
		return malformed(err, "it begins neither with cashuA nor with cashuB");
	if (!base64_decode(in->scratch, text, TOKEN_TEXT_MAX, &raw))
		return malformed(err, "not base64");
	return v3 ? read_v3(in, raw, err) : read_v4(in, raw, err);
}

int token_decode(struct arena *a, struct bytes text, struct token *ret, struct err *err)
{
	SCOPED(arena) struct arena scratch = ARENA_LIMIT(SCRATCH_MAX);
	struct reading in = { .scratch = &scratch };

	in.t.proofs = ARENA_ARRAY(&scratch, CASHU_LIST_MAX, struct proof);
	if (read_any(&in, text, err) != 0 || check_whole(&in, err) != 0)
		return -1;
	return copy_out(a, &in, ret, err);
}

int token_resolve(struct token *t, const struct keyset *keysets, size_t n, struct err *err)
{
	const struct keyset *first = NULL;

	for (size_t i = 0; i < t->n; i++) {
		const struct keyset *found = NULL;

		for (size_t j = 0; j < n; j++) {
			if (!keyset_id_matches(&keysets[j].id, &t->proofs[i].keyset))
				continue;
			if (found != NULL)
				return ERR(err, ERR_KEYSET_AMBIGUOUS,
					   "%s is the beginning of several keysets of this mint",
					   t->proofs[i].keyset.s);
			found = &keysets[j];
		}
		if (found == NULL)
			return ERR(err, ERR_KEYSET_UNKNOWN, "the mint has no keyset %s", t->proofs[i].keyset.s);
		if (first == NULL)
			first = found;
		if (!currency_equal(found->unit, first->unit))
			return ERR(err, ERR_UNIT, "the token mixes %s and %s", first->unit.s, found->unit.s);
		if (t->has_unit && !currency_equal(found->unit, t->unit))
			return ERR(err, ERR_UNIT, "the token says %s, its keyset %s is of %s", t->unit.s, found->id.s,
				   found->unit.s);
	}
	/* Only now: a token is resolved as a whole or stays as it was. */
	for (size_t i = 0; i < t->n; i++)
		for (size_t j = 0; j < n; j++)
			if (keyset_id_matches(&keysets[j].id, &t->proofs[i].keyset)) {
				t->proofs[i].keyset = keysets[j].id;
				break;
			}
	if (first != NULL) {
		t->unit = first->unit;
		t->has_unit = true;
	}
	return 0;
}

/* Writing. */

static bool all_have_dleq(const struct token *t)
{
	for (size_t i = 0; i < t->n; i++)
		if (!t->proofs[i].dleq.present || !t->proofs[i].dleq.has_r)
			return false;
	return true;
}

static void put_proof(struct buf *b, const struct proof *p, bool with_dleq)
{
	cbor_put_map(b, 3u + (with_dleq ? 1 : 0) + (p->witness != NULL ? 1 : 0));
	cbor_put_text(b, "a");
	cbor_put_uint(b, p->amount);
	cbor_put_text(b, "s");
	cbor_put_text(b, p->secret);
	cbor_put_text(b, "c");
	cbor_put_bytes(b, p->c.b, sizeof(p->c.b));
	if (with_dleq) {
		cbor_put_text(b, "d");
		cbor_put_map(b, 3);
		cbor_put_text(b, "e");
		cbor_put_bytes(b, p->dleq.e.b, sizeof(p->dleq.e.b));
		cbor_put_text(b, "s");
		cbor_put_bytes(b, p->dleq.s.b, sizeof(p->dleq.s.b));
		cbor_put_text(b, "r");
		cbor_put_bytes(b, p->dleq.r.b, sizeof(p->dleq.r.b));
	}
	if (p->witness != NULL) {
		cbor_put_text(b, "w");
		cbor_put_text(b, p->witness);
	}
}

static bool short_id_is_unique(const struct keyset_id *id, const struct keyset_id *known, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!keyset_id_equal(&known[i], id) && strncmp(known[i].s, id->s, KEYSET_SHORT_ID_LEN) == 0)
			return false;
	return true;
}

static int put_id(struct buf *b, const struct keyset_id *id, const struct keyset_id *known, size_t n_known,
		  struct err *err)
{
	uint8_t raw[V2_ID_BYTES];
	size_t n = strlen(id->s) / 2;

	if (keyset_id_version(id) == KEYSET_LEGACY || !hex_decode(id->s, raw, n))
		return ERR(err, ERR_UNSUPPORTED, "keyset %s: V4 tokens have no room for ids of its kind", id->s);
	if (n == V2_ID_BYTES && short_id_is_unique(id, known, n_known))
		n = SHORT_ID_BYTES;
	cbor_put_bytes(b, raw, n);
	return 0;
}

/* Is proof i the first of its keyset? */
static bool leads_group(const struct token *t, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (keyset_id_equal(&t->proofs[j].keyset, &t->proofs[i].keyset))
			return false;
	return true;
}

static int put_groups(struct buf *b, const struct token *t, const struct keyset_id *known, size_t n_known,
		      struct err *err)
{
	bool with_dleq = all_have_dleq(t);
	size_t n_groups = 0;

	for (size_t i = 0; i < t->n; i++)
		n_groups += leads_group(t, i);
	cbor_put_array(b, n_groups);
	for (size_t i = 0; i < t->n; i++) {
		const struct keyset_id *id = &t->proofs[i].keyset;
		size_t n = 0;

		if (!leads_group(t, i))
			continue;
		for (size_t j = i; j < t->n; j++)
			n += keyset_id_equal(&t->proofs[j].keyset, id);
		cbor_put_map(b, 2);
		cbor_put_text(b, "i");
		if (put_id(b, id, known, n_known, err) != 0)
			return -1;
		cbor_put_text(b, "p");
		cbor_put_array(b, n);
		for (size_t j = i; j < t->n; j++)
			if (keyset_id_equal(&t->proofs[j].keyset, id))
				put_proof(b, &t->proofs[j], with_dleq);
	}
	return 0;
}

static int check_writable(const struct token *t, struct err *err)
{
	if (t->n == 0 || t->n > CASHU_LIST_MAX)
		return ERR(err, ERR_RANGE, "a token of %zu proofs; 1 to %d can be written", t->n, CASHU_LIST_MAX);
	if (!t->has_unit)
		return ERR(err, ERR_UNIT, "a token without a unit");
	return 0;
}

static int finish(struct arena *a, const char *prefix, struct bytes payload, char **ret, struct err *err)
{
	size_t n = strlen(prefix) + payload.n / 3 * 4 + 5;

	if (n > TOKEN_TEXT_MAX || !arena_room(a, 2 * n + 64))
		return ERR(err, ERR_RANGE, "the token would be too large: %zu bytes", n);
	*ret = arena_printf(a, "%s%s", prefix, base64url_text(a, payload));
	return 0;
}

int token_encode_v4(struct arena *a, const struct token *t, const struct keyset_id *known, size_t n_known, char **ret,
		    struct err *err)
{
	SCOPED(buf) struct buf b = BUF_SECRET(TOKEN_TEXT_MAX);

	if (check_writable(t, err) != 0)
		return -1;
	cbor_put_map(&b, t->memo == NULL ? 3 : 4);
	cbor_put_text(&b, "t");
	if (put_groups(&b, t, known, n_known, err) != 0)
		return -1;
	if (t->memo != NULL) {
		cbor_put_text(&b, "d");
		cbor_put_text(&b, t->memo);
	}
	cbor_put_text(&b, "m");
	cbor_put_text(&b, t->mint);
	cbor_put_text(&b, "u");
	cbor_put_text(&b, t->unit.s);
	if (!buf_ok(&b))
		return ERR(err, ERR_RANGE, "the token would be larger than %d bytes", TOKEN_TEXT_MAX);
	return finish(a, "cashuB", buf_bytes(&b), ret, err);
}

int token_encode_v3(struct arena *a, const struct token *t, char **ret, struct err *err)
{
	SCOPED(arena) struct arena scratch = ARENA_LIMIT(SCRATCH_MAX);
	json_t *v = json_object_in(&scratch), *groups = json_array_in(&scratch), *group = json_object_in(&scratch),
	       *proofs = json_array_in(&scratch);
	bool with_dleq;

	if (check_writable(t, err) != 0)
		return -1;
	with_dleq = all_have_dleq(t);
	json_set(v, "token", groups);
	json_add(groups, group);
	json_set_str(group, "mint", t->mint);
	json_set(group, "proofs", proofs);
	for (size_t i = 0; i < t->n; i++)
		json_add_take(proofs, wire_proof(&t->proofs[i], with_dleq));
	json_set_str(v, "unit", t->unit.s);
	if (t->memo != NULL)
		json_set_str(v, "memo", t->memo);
	return finish(a, "cashuA", bytes_of(json_text(&scratch, v)), ret, err);
}
