#include "rails/evm/directive.h"

#include <assert.h>
#include <string.h>

#include "rails/evm/abi.h"
#include "rails/evm/action.h"
#include "rails/evm/keccak.h"

static const char domain_type[] = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)";
static const char domain_name[] = "WalletdDirective";
static const char domain_version[] = "1";
/* Keccak-256 of "Directive(bytes32 directiveId,address account,string actionKey,uint64 nonce,bytes payload)". */
static const struct hash32 directive_typehash = { { 0x25, 0x0d, 0x78, 0x32, 0x91, 0x84, 0xa8, 0xe3, 0x3d, 0x31, 0x35,
						    0x8a, 0x31, 0x7c, 0xb8, 0xd3, 0x63, 0x05, 0x82, 0xb7, 0xb5, 0xa1,
						    0x81, 0x84, 0x95, 0x70, 0xba, 0x78, 0x12, 0xf1, 0xfc, 0x5b } };

static void add_word(struct keccak *k, struct hash32 w)
{
	keccak_update(k, (struct bytes){ w.b, sizeof(w.b) });
}

static struct hash32 hash_of(struct bytes v)
{
	struct hash32 h;

	keccak256(v, &h);
	return h;
}

static struct hash32 hash_of_text(const char *text)
{
	return hash_of(bytes_of(text));
}

void directive_id_hash(const char *id, struct hash32 *ret)
{
	*ret = hash_of_text(id);
}

void directive_domain(uint64_t chain_id, const struct evm_address *contract, struct hash32 *ret)
{
	struct keccak k;

	keccak_init(&k);
	add_word(&k, hash_of_text(domain_type));
	add_word(&k, hash_of_text(domain_name));
	add_word(&k, hash_of_text(domain_version));
	add_word(&k, abi_word_u64(chain_id));
	add_word(&k, abi_word_address(contract));
	keccak_final(&k, ret);
}

void directive_struct_hash(const struct directive *d, struct hash32 *ret)
{
	const struct evm_action *action = evm_action_find(d->action_key);
	struct keccak k;

	keccak_init(&k);
	add_word(&k, directive_typehash);
	add_word(&k, d->id_hash);
	add_word(&k, abi_word_address(&d->account));
	add_word(&k, action ? action->key_hash : hash_of_text(d->action_key));
	add_word(&k, abi_word_u64(d->nonce));
	add_word(&k, hash_of(d->payload));
	keccak_final(&k, ret);
}

void directive_digest(const struct hash32 *domain, const struct directive *d, struct hash32 *ret)
{
	static const uint8_t prefix[] = { 0x19, 0x01 };
	struct hash32 struct_hash;
	struct keccak k;

	directive_struct_hash(d, &struct_hash);
	keccak_init(&k);
	keccak_update(&k, (struct bytes){ prefix, sizeof(prefix) });
	add_word(&k, *domain);
	add_word(&k, struct_hash);
	keccak_final(&k, ret);
}

void directive_signature_make(const uint8_t rs[64], int recid, struct directive_signature *ret)
{
	assert(recid == 0 || recid == 1);
	memcpy(ret->b, rs, 64);
	ret->b[64] = (uint8_t)(27 + recid);
}

int directive_signature_split(struct bytes sig, uint8_t ret_rs[64], int *ret_recid, struct err *err)
{
	/* floor(n / 2) of the group order of secp256k1. */
	static const uint8_t half_order[32] = { 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
						0xff, 0xff, 0xff, 0xff, 0xff, 0x5d, 0x57, 0x6e, 0x73, 0x57, 0xa4,
						0x50, 0x1d, 0xdf, 0xe9, 0x2f, 0x46, 0x68, 0x1b, 0x20, 0xa0 };
	static const uint8_t zero[32];

	if (sig.n != sizeof(struct directive_signature))
		return ERR(err, ERR_CRYPTO, "a signature has 65 bytes, not %zu", sig.n);
	if (sig.p[64] != 27 && sig.p[64] != 28)
		return ERR(err, ERR_CRYPTO, "a signature ends with 27 or 28, not %u", sig.p[64]);
	if (memcmp(sig.p, zero, 32) == 0 || memcmp(sig.p + 32, zero, 32) == 0)
		return ERR(err, ERR_CRYPTO, "r or s of the signature is zero");
	if (memcmp(sig.p + 32, half_order, 32) > 0)
		return ERR(err, ERR_CRYPTO, "s of the signature is in the upper half of the group order");
	memcpy(ret_rs, sig.p, 64);
	*ret_recid = sig.p[64] - 27;
	return 0;
}
