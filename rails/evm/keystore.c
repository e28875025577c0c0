#include "rails/evm/keystore.h"

#include <string.h>

#include "base/amount.h"
#include "base/cipher.h"
#include "base/json.h"
#include "base/text.h"
#include "rails/evm/keccak.h"

#define DEPTH_MAX 8
#define NAME_MAX  32
#define SALT_MAX  64
#define IV_LEN    16
#define DK_LEN    32

/* The members of "crypto". */
struct sealed {
	struct scrypt_cost cost;
	struct bytes salt;
	uint8_t iv[IV_LEN];
	uint8_t text[sizeof(struct secret)];
	struct hash32 mac;
};

static int get_hex(const json_t *obj, const char *name, uint8_t *to, size_t n, struct err *err)
{
	const char *text;

	if (json_get_str(obj, name, 2 * n, &text, err) != 0)
		return -1;
	if (!hex_decode(text, to, n)) {
		(void)ERR(err, ERR_PARSE, "%s is not %zu bytes of hex", name, n);
		return err_field(err, name);
	}
	return 0;
}

static int must_be(const json_t *obj, const char *name, const char *want, struct err *err)
{
	const char *text;

	if (json_get_str(obj, name, NAME_MAX, &text, err) != 0)
		return -1;
	if (strcmp(text, want) != 0) {
		(void)ERR(err, ERR_UNSUPPORTED, "the %s of the key file is %s; only %s is read", name, text, want);
		return err_field(err, name);
	}
	return 0;
}

static int read_kdf(struct arena *a, const json_t *crypto, struct sealed *ret, struct err *err)
{
	uint64_t dklen, r, p;
	const char *salt;
	json_t *params;

	if (must_be(crypto, "kdf", "scrypt", err) != 0 || json_get_obj(crypto, "kdfparams", &params, err) != 0 ||
	    json_get_u64(params, "dklen", UINT32_MAX, &dklen, err) != 0 ||
	    json_get_u64(params, "n", AMOUNT_MAX, &ret->cost.n, err) != 0 ||
	    json_get_u64(params, "r", UINT32_MAX, &r, err) != 0 ||
	    json_get_u64(params, "p", UINT32_MAX, &p, err) != 0 ||
	    json_get_str(params, "salt", (size_t)2 * SALT_MAX, &salt, err) != 0)
		return -1;
	if (dklen != DK_LEN) {
		(void)ERR(err, ERR_RANGE, "the key file derives %llu bytes; only %d are read",
			  (unsigned long long)dklen, DK_LEN);
		return err_field(err, "dklen");
	}
	if (!hex_decode_any(a, salt, SALT_MAX, &ret->salt)) {
		(void)ERR(err, ERR_PARSE, "the salt is not hex");
		return err_field(err, "salt");
	}
	ret->cost.r = (uint32_t)r;
	ret->cost.p = (uint32_t)p;
	return 0;
}

static int read_crypto(struct arena *a, const json_t *crypto, struct sealed *ret, struct err *err)
{
	json_t *params;

	if (must_be(crypto, "cipher", "aes-128-ctr", err) != 0 ||
	    json_get_obj(crypto, "cipherparams", &params, err) != 0 ||
	    get_hex(params, "iv", ret->iv, sizeof(ret->iv), err) != 0 ||
	    get_hex(crypto, "ciphertext", ret->text, sizeof(ret->text), err) != 0 ||
	    get_hex(crypto, "mac", ret->mac.b, sizeof(ret->mac.b), err) != 0)
		return -1;
	return read_kdf(a, crypto, ret, err);
}

static int read_file(struct arena *a, struct bytes json, struct sealed *ret, struct err *err)
{
	json_t *file, *crypto;
	uint64_t version;

	if (json.n > KEYSTORE_MAX)
		return ERR(err, ERR_PARSE, "a key file has at most %d bytes", KEYSTORE_MAX);
	if (json_parse(a, json, DEPTH_MAX, &file, err) != 0)
		return -1;
	if (!json_is_object(file))
		return ERR(err, ERR_PARSE, "not a JSON object");
	if (json_get_u64(file, "version", AMOUNT_MAX, &version, err) != 0)
		return -1;
	if (version != 3) {
		(void)ERR(err, ERR_UNSUPPORTED, "the key file is of version %llu; only 3 is read",
			  (unsigned long long)version);
		return err_field(err, "version");
	}
	/* Old writers used a capital. */
	if (json_object_get(file, "crypto") != NULL && json_object_get(file, "Crypto") != NULL)
		return ERR(err, ERR_PARSE, "both \"crypto\" and \"Crypto\"");
	if (json_get_obj(file, json_object_get(file, "Crypto") != NULL ? "Crypto" : "crypto", &crypto, err) != 0)
		return -1;
	return read_crypto(a, crypto, ret, err);
}

/* Keccak-256 of the later half of the derived key and the ciphertext. */
static bool mac_is_right(const struct secret *dk, const struct sealed *s)
{
	struct hash32 mac;
	struct keccak k;
	bool right;

	keccak_init(&k);
	keccak_update(&k, (struct bytes){ dk->b + 16, 16 });
	keccak_update(&k, (struct bytes){ s->text, sizeof(s->text) });
	keccak_final(&k, &mac);
	right = ct_equal(mac.b, s->mac.b, sizeof(mac.b));
	secret_wipe(&k, sizeof(k));
	secret_wipe(&mac, sizeof(mac));
	return right;
}

int keystore_open(struct bytes json, struct bytes password, struct secret *ret, struct err *err)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	SCOPED(secret) struct secret dk;
	struct sealed s = { 0 };

	if (read_file(&a, json, &s, err) != 0)
		return err_context(err, "key file");
	if (scrypt_stretch(password, s.salt, s.cost, dk.b, sizeof(dk.b), err) != 0)
		return err_context(err, "key file");
	if (!mac_is_right(&dk, &s))
		return ERR(err, ERR_PASSPHRASE, "wrong passphrase, or the key file was changed");
	aes128_ctr(dk.b, s.iv, (struct bytes){ s.text, sizeof(s.text) }, ret->b);
	return 0;
}
