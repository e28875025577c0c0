#include "rails/keys/seed.h"

#include <assert.h>
#include <string.h>

#include <sodium.h>

#include "base/reader.h"
#include "base/rng.h"

#define MAGIC       "WSD1"
#define MAGIC_LEN   4
#define FORM_PLAIN  0
#define FORM_SEALED 1

#define SALT_LEN   crypto_pwhash_SALTBYTES
#define NONCE_LEN  crypto_aead_xchacha20poly1305_ietf_NPUBBYTES
#define TAG_LEN    crypto_aead_xchacha20poly1305_ietf_ABYTES
#define HEADER_LEN (MAGIC_LEN + 1 + 4 + 4 + SALT_LEN + NONCE_LEN)
#define SEALED_LEN (HEADER_LEN + sizeof(struct mnemonic) + TAG_LEN)

#define PASSES_MAX  16
#define MEM_KIB_MIN 8
#define MEM_KIB_MAX (64 * 1024)

_Static_assert(SEALED_LEN <= SEED_BLOB_MAX, "a sealed seed fits its buffer");
_Static_assert(crypto_aead_xchacha20poly1305_ietf_KEYBYTES == sizeof(struct secret), "the key is a struct secret");

static int stretch(const char *passphrase, const uint8_t *salt, struct seed_cost cost, struct secret *ret,
		   struct err *err)
{
	if (cost.passes < 1 || cost.passes > PASSES_MAX || cost.mem_kib < MEM_KIB_MIN || cost.mem_kib > MEM_KIB_MAX)
		return ERR(err, ERR_RANGE, "Argon2id with %u passes over %u KiB: allowed are 1 to %d over %d to %d",
			   cost.passes, cost.mem_kib, PASSES_MAX, MEM_KIB_MIN, MEM_KIB_MAX);
	if (crypto_pwhash(ret->b, sizeof(ret->b), passphrase, strlen(passphrase), salt, cost.passes,
			  (size_t)cost.mem_kib * 1024, crypto_pwhash_ALG_ARGON2ID13) != 0)
		return ERR(err, ERR_CRYPTO, "not enough memory for Argon2id over %u KiB", cost.mem_kib);
	return 0;
}

int seed_seal(const struct mnemonic *m, const char *passphrase, struct seed_cost cost, struct buf *ret, struct err *err)
{
	SCOPED(mnemonic) struct mnemonic padded = { 0 };
	SCOPED(secret) struct secret key;
	uint8_t salt[SALT_LEN], nonce[NONCE_LEN], box[sizeof(struct mnemonic) + TAG_LEN];
	SCOPED(buf) struct buf header = BUF_CAP(HEADER_LEN + 1);

	if (passphrase[0] == '\0') {
		(void)ERR(err, ERR_PARAM, "the passphrase is empty");
		return err_field(err, "passphrase");
	}
	rng_bytes(salt, sizeof(salt));
	rng_bytes(nonce, sizeof(nonce));
	if (stretch(passphrase, salt, cost, &key, err) != 0)
		return -1;
	buf_text_add(&header, MAGIC);
	buf_u8(&header, FORM_SEALED);
	buf_be32(&header, cost.passes);
	buf_be32(&header, cost.mem_kib);
	buf_add(&header, salt, sizeof(salt));
	buf_add(&header, nonce, sizeof(nonce));
	memcpy(padded.s, m->s, strnlen(m->s, MNEMONIC_TEXT_MAX));
	if (crypto_aead_xchacha20poly1305_ietf_encrypt(box, NULL, (const uint8_t *)padded.s, sizeof(padded.s), header.p,
						       header.n, NULL, nonce, key.b) != 0)
		return ERR(err, ERR_CRYPTO, "XChaCha20-Poly1305 refused to seal the seed");
	buf_add_bytes(ret, buf_bytes(&header));
	buf_add(ret, box, sizeof(box));
	if (!buf_ok(ret))
		return ERR(err, ERR_INTERNAL, "a sealed seed needs %zu bytes", SEALED_LEN);
	return 0;
}

void seed_write_plain(const struct mnemonic *m, struct buf *ret)
{
	buf_text_add(ret, MAGIC);
	buf_u8(ret, FORM_PLAIN);
	buf_text_add(ret, m->s);
}

static bool has_form(struct bytes blob, uint8_t form)
{
	return blob.n > MAGIC_LEN && bytes_equal((struct bytes){ blob.p, MAGIC_LEN }, bytes_of(MAGIC)) &&
	       blob.p[MAGIC_LEN] == form;
}

bool seed_is_sealed(struct bytes blob)
{
	return has_form(blob, FORM_SEALED);
}

static int open_plain(struct bytes words, struct mnemonic *ret, struct err *err)
{
	SCOPED(mnemonic) struct mnemonic text = { 0 };

	if (words.n > MNEMONIC_TEXT_MAX)
		return ERR(err, ERR_PARSE, "the seed is damaged: too long");
	memcpy(text.s, words.p, words.n);
	if (mnemonic_parse(text.s, ret, err) != 0)
		return ERR(err, ERR_PARSE, "the seed is damaged: its words are no mnemonic");
	return 0;
}

static int open_sealed(struct bytes blob, const char *passphrase, struct mnemonic *ret, struct err *err)
{
	SCOPED(mnemonic) struct mnemonic text = { 0 };
	SCOPED(secret) struct secret key;
	struct reader r = reader_of(blob);
	struct seed_cost cost;
	struct bytes salt, nonce, box;

	if (blob.n != SEALED_LEN)
		return ERR(err, ERR_PARSE, "the sealed seed is damaged: %zu bytes instead of %zu", blob.n, SEALED_LEN);
	if (passphrase == NULL)
		return ERR(err, ERR_PASSPHRASE, "the seed is sealed and no passphrase was given");
	(void)read_bytes(&r, MAGIC_LEN + 1);
	cost.passes = read_be32(&r);
	cost.mem_kib = read_be32(&r);
	salt = read_bytes(&r, SALT_LEN);
	nonce = read_bytes(&r, NONCE_LEN);
	box = read_bytes(&r, sizeof(struct mnemonic) + TAG_LEN);
	assert(reader_at_end(&r)); /* the length was checked */
	if (stretch(passphrase, salt.p, cost, &key, err) != 0)
		return -1;
	if (crypto_aead_xchacha20poly1305_ietf_decrypt((uint8_t *)text.s, NULL, NULL, box.p, box.n, blob.p, HEADER_LEN,
						       nonce.p, key.b) != 0)
		return ERR(err, ERR_PASSPHRASE, "wrong passphrase, or the sealed seed was changed");
	return open_plain((struct bytes){ (const uint8_t *)text.s, strnlen(text.s, sizeof(text.s)) }, ret, err);
}

int seed_open(struct bytes blob, const char *passphrase, struct mnemonic *ret, struct err *err)
{
	if (has_form(blob, FORM_SEALED))
		return open_sealed(blob, passphrase, ret, err);
	if (has_form(blob, FORM_PLAIN))
		return open_plain((struct bytes){ blob.p + MAGIC_LEN + 1, blob.n - MAGIC_LEN - 1 }, ret, err);
	return ERR(err, ERR_PARSE, "not a seed of this wallet, or of a newer version");
}
