#include "rails/bitcoin/psbt_sign.h"

#include <string.h>

#include "base/hash.h"
#include "rails/bitcoin/compact.h"
#include "rails/bitcoin/secp.h"
#include "rails/bitcoin/sighash.h"
#include "rails/bitcoin/taproot.h"

static const struct bytes none;

/* What all inputs spend, and the common parts of their sighashes. */
static int start(struct arena *a, const struct psbt *p, struct sighash *s, struct err *err)
{
	struct tx_out *spent;

	if (!arena_room(a, p->tx.n_in * sizeof(*spent)))
		return ERR(err, ERR_RANGE, "PSBT: larger than there is room for here");
	spent = ARENA_ARRAY(a, p->tx.n_in, struct tx_out);
	for (size_t i = 0; i < p->tx.n_in; i++)
		if (psbt_spent(a, p, i, &spent[i], err) != 0)
			return -1;
	sighash_init(s, &p->tx, spent);
	return 0;
}

static bool is_final(const struct psbt_map *m)
{
	struct bytes ignored;

	return psbt_get(m, PSBT_IN_FINAL_SCRIPTWITNESS, none, &ignored) ||
	       psbt_get(m, PSBT_IN_FINAL_SCRIPTSIG, none, &ignored);
}

static bool get_key(const struct psbt_map *m, uint8_t type, uint8_t ret[32])
{
	struct bytes v;

	if (!psbt_get(m, type, none, &v))
		return false;
	memcpy(ret, v.p, 32); /* its length was checked when it came in */
	return true;
}

/* --- signing --- */

/* Is it ours to sign?  By its internal key alone, which this master derives. */
static bool is_ours(const struct psbt_map *m, const uint8_t fingerprint[4], struct psbt_job *job)
{
	struct bytes key = { job->internal.b, sizeof(job->internal.b) }, value;
	size_t leaves;

	return get_key(m, PSBT_IN_TAP_INTERNAL_KEY, job->internal.b) &&
	       psbt_get(m, PSBT_IN_TAP_BIP32_DERIVATION, key, &value) &&
	       psbt_origin_parse(value, &job->origin, &leaves) &&
	       memcmp(job->origin.fingerprint, fingerprint, sizeof(job->origin.fingerprint)) == 0;
}

static int job_type(const struct psbt_map *m, struct psbt_job *job, struct err *err)
{
	struct reader r;
	struct bytes v;
	uint32_t type;

	job->type = SIGHASH_DEFAULT;
	if (!psbt_get(m, PSBT_IN_SIGHASH_TYPE, none, &v))
		return 0;
	r = reader_of(v);
	type = read_le32(&r);
	if (type != SIGHASH_DEFAULT && type != SIGHASH_ALL)
		return ERR(err, ERR_UNSUPPORTED,
			   "PSBT: input %zu asks for a signature that leaves the transaction open (sighash type %#x)",
			   job->input, type);
	job->type = (uint8_t)type;
	return 0;
}

static int job_make(const struct sighash *s, const struct psbt_map *m, struct psbt_job *job, struct err *err)
{
	struct tap_output out;
	struct spk want;

	job->has_root = get_key(m, PSBT_IN_TAP_MERKLE_ROOT, job->root.b);
	if (tap_output_make(&job->internal, job->has_root ? &job->root : NULL, &out, err) != 0)
		return -1;
	job->output = out.key;
	want = spk_p2tr(&out.key);
	if (!bytes_equal(s->spent[job->input].script, spk_bytes(&want)))
		return ERR(err, ERR_PSBT, "PSBT: input %zu does not spend the key that it names", job->input);
	if (job_type(m, job, err) != 0)
		return -1;
	return sighash_key_path(s, job->input, job->type, none, &job->sighash, err);
}

int psbt_jobs(struct arena *a, const struct psbt *p, const uint8_t fingerprint[4], struct psbt_job **ret, size_t *ret_n,
	      struct err *err)
{
	struct psbt_job *jobs;
	struct sighash s;
	size_t n = 0;

	if (!arena_room(a, p->tx.n_in * sizeof(*jobs)))
		return ERR(err, ERR_RANGE, "PSBT: larger than there is room for here");
	jobs = ARENA_ARRAY(a, p->tx.n_in, struct psbt_job);
	if (start(a, p, &s, err) != 0)
		return -1;
	for (size_t i = 0; i < p->tx.n_in; i++) {
		struct psbt_job job = { .input = i };
		struct bytes ignored;

		if (is_final(&p->in[i]) || psbt_get(&p->in[i], PSBT_IN_TAP_KEY_SIG, none, &ignored) ||
		    !is_ours(&p->in[i], fingerprint, &job))
			continue;
		if (job_make(&s, &p->in[i], &job, err) != 0)
			return -1;
		jobs[n++] = job;
	}
	*ret = jobs;
	*ret_n = n;
	return 0;
}

int psbt_put_key_sig(struct arena *a, struct psbt *p, const struct psbt_job *job, const uint8_t sig[64],
		     struct err *err)
{
	uint8_t whole[65];

	if (!secp_xonly_verify(&job->output, &job->sighash, sig))
		return ERR(err, ERR_CRYPTO, "PSBT: the signature of input %zu is wrong", job->input);
	memcpy(whole, sig, 64);
	whole[64] = job->type;
	return psbt_put(a, &p->in[job->input], PSBT_IN_TAP_KEY_SIG, none,
			(struct bytes){ whole, job->type == SIGHASH_DEFAULT ? 64 : 65 }, err);
}

/* --- finishing --- */

static bool key_sig_is_right(const struct sighash *s, size_t i, struct bytes sig, struct bytes output)
{
	uint8_t type = sig.n == 65 ? sig.p[64] : SIGHASH_DEFAULT;
	struct hash32 h;
	struct xonly key;
	struct err ignored; /* a type that BIP341 does not have: the signature is wrong */

	memcpy(key.b, output.p, sizeof(key.b));
	return (sig.n == 64 || type != SIGHASH_DEFAULT) && sighash_key_path(s, i, type, none, &h, &ignored) == 0 &&
	       secp_xonly_verify(&key, &h, sig.p);
}

/* The one signature by the key that the output names. */
static bool partial_sig(const struct psbt_map *m, struct bytes key_hash, struct pubkey *key, struct bytes *sig)
{
	for (size_t at = 0; psbt_find(m, PSBT_IN_PARTIAL_SIG, &at); at++) {
		struct bytes data = psbt_key_data(&m->fields[at]);
		uint8_t hash[20];

		hash160(data, hash);
		if (data.n == sizeof(key->b) && bytes_equal(key_hash, (struct bytes){ hash, sizeof(hash) })) {
			memcpy(key->b, data.p, sizeof(key->b));
			*sig = m->fields[at].value;
			return true;
		}
	}
	return false;
}

static bool partial_sig_is_right(const struct sighash *s, size_t i, struct bytes sig, const struct pubkey *key)
{
	struct bytes key_bytes = { key->b, sizeof(key->b) };
	struct spk script_code;
	uint8_t hash[20];
	struct hash32 h;

	hash160(key_bytes, hash);
	script_code = spk_p2pkh(hash);
	sighash_v0(s, i, spk_bytes(&script_code), sig.p[sig.n - 1], &h);
	return secp_ecdsa_verify(key, &h, (struct bytes){ sig.p, sig.n - 1 });
}

/* Only UTXOs, the final witness, and what means nothing to us stay. */
static void drop_what_is_done(struct psbt_map *m)
{
	psbt_drop_range(m, PSBT_IN_PARTIAL_SIG, PSBT_IN_BIP32_DERIVATION);
	psbt_drop_range(m, PSBT_IN_RIPEMD160, PSBT_IN_HASH256);
	psbt_drop_range(m, PSBT_IN_TAP_KEY_SIG, PSBT_IN_TAP_MERKLE_ROOT);
}

static int put_witness(struct arena *a, struct psbt_map *m, const struct bytes *items, size_t n, struct err *err)
{
	SCOPED(buf) struct buf b = BUF_CAP(1024);

	buf_compact(&b, n);
	for (size_t i = 0; i < n; i++)
		buf_compact_bytes(&b, items[i]);
	drop_what_is_done(m);
	return psbt_put(a, m, PSBT_IN_FINAL_SCRIPTWITNESS, none, buf_bytes(&b), err);
}

int psbt_put_final(struct arena *a, struct psbt *p, size_t input, const struct witness *w, struct err *err)
{
	return put_witness(a, &p->in[input], w->items, w->n, err);
}

bool psbt_input_is_final(const struct psbt *p, size_t input)
{
	return is_final(&p->in[input]);
}

static int wrong_signature(size_t i, struct err *err)
{
	return ERR(err, ERR_CRYPTO, "PSBT: the signature of input %zu is wrong", i);
}

/* *ret says whether it is final now. */
static int finalise_input(struct arena *a, const struct sighash *s, struct psbt_map *m, size_t i, bool *ret,
			  struct err *err)
{
	struct bytes part, sig;
	enum spk_type type = spk_classify(s->spent[i].script, &part);
	struct pubkey key;

	*ret = true;
	if (type == SPK_P2A) {
		return put_witness(a, m, NULL, 0, err);
	}
	if (type == SPK_P2TR && psbt_get(m, PSBT_IN_TAP_KEY_SIG, none, &sig)) {
		if (!key_sig_is_right(s, i, sig, part))
			return wrong_signature(i, err);
		return put_witness(a, m, &sig, 1, err);
	}
	if (type == SPK_P2WPKH && partial_sig(m, part, &key, &sig)) {
		struct bytes items[2] = { sig, { key.b, sizeof(key.b) } };

		if (!partial_sig_is_right(s, i, sig, &key))
			return wrong_signature(i, err);
		return put_witness(a, m, items, 2, err);
	}
	*ret = false;
	return 0;
}

int psbt_finalise(struct arena *a, struct psbt *p, size_t *ret_open, struct err *err)
{
	struct sighash s;
	size_t open = 0;

	if (start(a, p, &s, err) != 0)
		return -1;
	for (size_t i = 0; i < p->tx.n_in; i++) {
		bool final = is_final(&p->in[i]);

		if (!final && finalise_input(a, &s, &p->in[i], i, &final, err) != 0)
			return -1;
		open += !final;
	}
	*ret_open = open;
	return 0;
}

/* --- extracting --- */

static int read_witness(struct arena *a, struct bytes v, struct witness *ret, struct err *err)
{
	struct reader r = reader_of(v);
	size_t n = read_compact_count(&r, 1);
	struct witness w = { .n = n };

	if (!arena_room(a, n * sizeof(*w.items)))
		return ERR(err, ERR_RANGE, "PSBT: larger than there is room for here");
	w.items = ARENA_ARRAY(a, n, struct bytes);
	for (size_t i = 0; i < n; i++)
		w.items[i] = read_compact_bytes(&r);
	if (!reader_at_end(&r))
		return ERR(err, ERR_PSBT, "PSBT: a final witness is malformed");
	*ret = w;
	return 0;
}

int psbt_extract(struct arena *a, const struct psbt *p, struct tx *ret, struct err *err)
{
	struct tx tx = p->tx;

	if (!arena_room(a, tx.n_in * sizeof(*tx.in)))
		return ERR(err, ERR_RANGE, "PSBT: larger than there is room for here");
	tx.in = ARENA_ARRAY(a, tx.n_in, struct tx_in);
	for (size_t i = 0; i < tx.n_in; i++) {
		struct bytes v;

		tx.in[i] = p->tx.in[i];
		if (!is_final(&p->in[i]))
			return ERR(err, ERR_PSBT, "PSBT: input %zu is not signed", i);
		(void)psbt_get(&p->in[i], PSBT_IN_FINAL_SCRIPTSIG, none, &tx.in[i].script_sig);
		if (psbt_get(&p->in[i], PSBT_IN_FINAL_SCRIPTWITNESS, none, &v) &&
		    read_witness(a, v, &tx.in[i].witness, err) != 0)
			return -1;
	}
	*ret = tx;
	return 0;
}
