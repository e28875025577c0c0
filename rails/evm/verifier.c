#include "rails/evm/verifier.h"

#include <assert.h>
#include <inttypes.h>

#include "base/text.h"
#include "rails/evm/abi.h"
#include "rails/evm/address.h"

/* The first four bytes of the hash of a function's, or an error's, name and types.  DIRECTIVE stands for
 * (bytes32,address,string,uint64,bytes). */
#define EXECUTE_DIRECTIVE  UINT32_C(0x6fb43dd2) /* executeDirective(DIRECTIVE,bytes) */
#define EXECUTE_BATCH      UINT32_C(0x9ee014ed) /* executeBatch(DIRECTIVE[],bytes[]) */
#define IS_NONCE_USED      UINT32_C(0x3a8a8beb) /* isNonceUsed(address,uint64) */
#define NONCES_USED        UINT32_C(0x8133f797) /* noncesUsed(address,uint64[]) */
#define NONCE_BITMAP       UINT32_C(0x4fe02b44) /* nonceBitmap(address,uint256) */
#define REVOKE_NONCES      UINT32_C(0xbd9661c1) /* revokeNonces(address,uint64[]) */
#define DOMAIN_SEPARATOR   UINT32_C(0xf698da25) /* domainSeparator() */
#define DIRECTIVE_DIGEST   UINT32_C(0x8a18ea90) /* directiveDigest(DIRECTIVE) */
#define NONCE_ALREADY_USED UINT32_C(0xa5a429c3) /* NonceAlreadyUsed(address,uint64) */
#define BAD_SIGNATURE      UINT32_C(0x5cd5d233) /* BadSignature() */
#define UNKNOWN_SIGNER     UINT32_C(0xd7e8a2c2) /* UnknownSigner(address) */
#define UNSUPPORTED_ACTION UINT32_C(0x8709de2c) /* UnsupportedAction(string) */
#define EFFECT_FAILED      UINT32_C(0x0ec7217a) /* EffectFailed(bytes32) */
#define ERROR_TEXT         UINT32_C(0x08c379a0) /* Error(string) */
#define PANIC              UINT32_C(0x4e487b71) /* Panic(uint256) */

#define TUPLE_HEAD     ((size_t)5 * ABI_WORD)
#define SIGNATURE_SIZE ((size_t)4 * ABI_WORD) /* a length, and 65 bytes padded to three words */
#define TEXT_SHOWN     160

/* --- calls --- */

static size_t directive_size(const struct directive *d)
{
	return TUPLE_HEAD + abi_bytes_size(bytes_of(d->action_key).n) + abi_bytes_size(d->payload.n);
}

static void put_directive(struct buf *to, const struct directive *d)
{
	struct bytes key = bytes_of(d->action_key);

	abi_word(to, &d->id_hash);
	abi_address(to, &d->account);
	abi_u64(to, TUPLE_HEAD);
	abi_u64(to, d->nonce);
	abi_u64(to, TUPLE_HEAD + abi_bytes_size(key.n));
	abi_bytes(to, key);
	abi_bytes(to, d->payload);
}

static void put_signature(struct buf *to, const struct directive_signature *sig)
{
	abi_bytes(to, (struct bytes){ sig->b, sizeof(sig->b) });
}

void verifier_execute(struct buf *to, const struct signed_directive *one)
{
	size_t at = (size_t)2 * ABI_WORD;

	buf_be32(to, EXECUTE_DIRECTIVE);
	abi_u64(to, at);
	abi_u64(to, at + directive_size(&one->d));
	put_directive(to, &one->d);
	put_signature(to, &one->sig);
}

void verifier_execute_batch(struct buf *to, const struct signed_directive *list, size_t n)
{
	size_t at = n * ABI_WORD, all = 0;

	for (size_t i = 0; i < n; i++)
		all += directive_size(&list[i].d);
	buf_be32(to, EXECUTE_BATCH);
	abi_u64(to, (uint64_t)2 * ABI_WORD);
	abi_u64(to, (uint64_t)3 * ABI_WORD + at + all);
	abi_u64(to, n);
	for (size_t i = 0; i < n; i++) {
		abi_u64(to, at);
		at += directive_size(&list[i].d);
	}
	for (size_t i = 0; i < n; i++)
		put_directive(to, &list[i].d);
	abi_u64(to, n);
	for (size_t i = 0; i < n; i++)
		abi_u64(to, n * ABI_WORD + i * SIGNATURE_SIZE);
	for (size_t i = 0; i < n; i++)
		put_signature(to, &list[i].sig);
}

size_t verifier_batch_size_of(const struct directive *d)
{
	return ABI_WORD + directive_size(d) + ABI_WORD + SIGNATURE_SIZE;
}

void verifier_is_nonce_used(struct buf *to, const struct evm_address *signer, uint64_t nonce)
{
	buf_be32(to, IS_NONCE_USED);
	abi_address(to, signer);
	abi_u64(to, nonce);
}

static void put_nonces(struct buf *to, const struct evm_address *signer, const uint64_t *nonces, size_t n)
{
	abi_address(to, signer);
	abi_u64(to, (uint64_t)2 * ABI_WORD);
	abi_u64(to, n);
	for (size_t i = 0; i < n; i++)
		abi_u64(to, nonces[i]);
}

void verifier_nonces_used(struct buf *to, const struct evm_address *signer, const uint64_t *nonces, size_t n)
{
	buf_be32(to, NONCES_USED);
	put_nonces(to, signer, nonces, n);
}

void verifier_revoke_nonces(struct buf *to, const struct evm_address *signer, const uint64_t *nonces, size_t n)
{
	buf_be32(to, REVOKE_NONCES);
	put_nonces(to, signer, nonces, n);
}

void verifier_nonce_bitmap(struct buf *to, const struct evm_address *signer, uint64_t word)
{
	buf_be32(to, NONCE_BITMAP);
	abi_address(to, signer);
	abi_u64(to, word);
}

void verifier_domain_separator(struct buf *to)
{
	buf_be32(to, DOMAIN_SEPARATOR);
}

void verifier_directive_digest(struct buf *to, const struct directive *d)
{
	buf_be32(to, DIRECTIVE_DIGEST);
	abi_u64(to, ABI_WORD);
	put_directive(to, d);
}

/* --- results --- */

const char *verifier_outcome_name(enum verifier_outcome o)
{
	switch (o) {
	case VERIFIER_DONE:
		return "done";
	case VERIFIER_NONCE_USED:
		return "nonce_used";
	case VERIFIER_BAD_SIGNATURE:
		return "bad_signature";
	case VERIFIER_UNKNOWN_SIGNER:
		return "unknown_signer";
	case VERIFIER_UNSUPPORTED_ACTION:
		return "unsupported_action";
	case VERIFIER_EFFECT_FAILED:
		return "effect_failed";
	case VERIFIER_ERROR_TEXT:
		return "error_text";
	case VERIFIER_PANIC:
		return "panic";
	case VERIFIER_OTHER:
		return "other";
	}
	return "other";
}

enum verifier_outcome verifier_outcome_of_code(uint8_t code)
{
	return code <= VERIFIER_EFFECT_FAILED ? (enum verifier_outcome)code : VERIFIER_OTHER;
}

static int finished(const struct reader *r, struct bytes data, const char *what, struct err *err)
{
	if (!reader_at_end(r))
		return ERR(err, ERR_PEER_INVALID, "%zu bytes that are not %s came back from a call of the contract",
			   data.n, what);
	return 0;
}

int verifier_bool_result(struct bytes data, bool *ret, struct err *err)
{
	struct reader r = reader_of(data);
	bool v = abi_read_bool(&r);

	if (finished(&r, data, "a bool", err) != 0)
		return -1;
	*ret = v;
	return 0;
}

int verifier_word_result(struct bytes data, struct hash32 *ret, struct err *err)
{
	struct reader r = reader_of(data);
	struct hash32 v = abi_read_word(&r);

	if (finished(&r, data, "a word", err) != 0)
		return -1;
	*ret = v;
	return 0;
}

/* An array of numbers of so many bits, exactly n.  The numbers are read when all of them are known to be right. */
static int array_result(struct bytes data, unsigned bits, size_t n, struct reader *ret, struct err *err)
{
	struct reader r = reader_of(data), elements;

	abi_read_offset(&r, ABI_WORD);
	if (abi_read_uint(&r, 64) != n)
		reader_fail(&r);
	elements = r;
	for (size_t i = 0; i < n && reader_ok(&r); i++)
		(void)abi_read_uint(&r, bits);
	if (finished(&r, data, "an array of one answer for each question", err) != 0)
		return -1;
	*ret = elements;
	return 0;
}

int verifier_nonces_used_result(struct bytes data, bool *ret, size_t n, struct err *err)
{
	struct reader elements;

	if (array_result(data, 1, n, &elements, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		ret[i] = abi_read_bool(&elements);
	return 0;
}

int verifier_batch_result(struct bytes data, enum verifier_outcome *ret, size_t n, struct err *err)
{
	struct reader elements;

	if (array_result(data, 8, n, &elements, err) != 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		ret[i] = verifier_outcome_of_code((uint8_t)abi_read_uint(&elements, 8));
	return 0;
}

bool verifier_bitmap_has(const struct hash32 *word, uint64_t nonce)
{
	unsigned bit = nonce & 0xff;

	return (word->b[ABI_WORD - 1 - bit / 8] >> (bit % 8) & 1) != 0;
}

/* --- refusals --- */

static void read_arguments(struct reader *r, uint32_t selector, struct verifier_revert *ret)
{
	switch (selector) {
	case NONCE_ALREADY_USED:
		ret->why = VERIFIER_NONCE_USED;
		ret->signer = abi_read_address(r);
		ret->nonce = abi_read_uint(r, 64);
		break;
	case BAD_SIGNATURE:
		ret->why = VERIFIER_BAD_SIGNATURE;
		break;
	case UNKNOWN_SIGNER:
		ret->why = VERIFIER_UNKNOWN_SIGNER;
		ret->signer = abi_read_address(r);
		break;
	case UNSUPPORTED_ACTION:
		ret->why = VERIFIER_UNSUPPORTED_ACTION;
		abi_read_offset(r, ABI_WORD);
		ret->text = abi_read_bytes(r);
		break;
	case EFFECT_FAILED:
		ret->why = VERIFIER_EFFECT_FAILED;
		ret->directive_id = abi_read_word(r);
		break;
	case ERROR_TEXT:
		ret->why = VERIFIER_ERROR_TEXT;
		abi_read_offset(r, ABI_WORD);
		ret->text = abi_read_bytes(r);
		break;
	case PANIC:
		ret->why = VERIFIER_PANIC;
		ret->code = abi_read_word(r);
		break;
	default:
		reader_fail(r);
		break;
	}
}

void verifier_revert_decode(struct bytes data, struct verifier_revert *ret)
{
	struct verifier_revert v = { .data = data };
	struct reader r = reader_of(data);

	read_arguments(&r, read_be32(&r), &v);
	*ret = reader_at_end(&r) ? v : (struct verifier_revert){ .why = VERIFIER_OTHER, .data = data };
}

/* A stranger's text for a log or an error: at most TEXT_SHOWN bytes, and nothing that moves a cursor. */
static const char *shown(struct arena *a, struct bytes text)
{
	SCOPED(buf) struct buf out = BUF_CAP(TEXT_SHOWN + 3);

	while (text.n > 0) {
		uint32_t c = 0;
		size_t n = utf8_next(text, &c);

		if (out.n + (n > 0 ? n : 1) > TEXT_SHOWN) {
			buf_text_add(&out, "...");
			break;
		}
		if (n == 0 || c < 0x20 || (c >= 0x7f && c < 0xa0)) {
			buf_u8(&out, '?');
			n = n > 0 ? n : 1;
		} else {
			buf_add(&out, text.p, n);
		}
		text = (struct bytes){ text.p + n, text.n - n };
	}
	return arena_strdup(a, buf_text(&out));
}

static const char *shown_hex(struct arena *a, struct bytes v)
{
	struct bytes head = { v.p, v.n < TEXT_SHOWN / 2 ? v.n : TEXT_SHOWN / 2 };

	return arena_printf(a, "0x%s%s", hex_text(a, head), head.n < v.n ? "..." : "");
}

const char *verifier_revert_text(struct arena *a, const struct verifier_revert *r)
{
	char signer[EVM_ADDRESS_TEXT];

	evm_address_text(&r->signer, signer);
	switch (r->why) {
	case VERIFIER_NONCE_USED:
		return arena_printf(a, "NonceAlreadyUsed(%s, %" PRIu64 ")", signer, r->nonce);
	case VERIFIER_BAD_SIGNATURE:
		return "BadSignature()";
	case VERIFIER_UNKNOWN_SIGNER:
		return arena_printf(a, "UnknownSigner(%s)", signer);
	case VERIFIER_UNSUPPORTED_ACTION:
		return arena_printf(a, "UnsupportedAction(\"%s\")", shown(a, r->text));
	case VERIFIER_EFFECT_FAILED:
		return arena_printf(a, "EffectFailed(0x%s)", hex_text(a, (struct bytes){ r->directive_id.b, 32 }));
	case VERIFIER_ERROR_TEXT:
		return arena_printf(a, "Error(\"%s\")", shown(a, r->text));
	case VERIFIER_PANIC:
		return arena_printf(a, "Panic(0x%s)", hex_text(a, (struct bytes){ r->code.b, 32 }));
	case VERIFIER_DONE:
	case VERIFIER_OTHER:
		break;
	}
	return r->data.n > 0 ? arena_printf(a, "reverted with %s", shown_hex(a, r->data)) : "reverted without a reason";
}
