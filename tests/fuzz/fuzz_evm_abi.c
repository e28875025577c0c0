/* Answers of a contract or a node that may send anything: the first byte chooses who reads it, the second says how many
 * elements or topics are looked for, the rest is what came.  There is one encoding of each value: written again, what was
 * read is the same bytes. */
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "rails/evm/abi.h"
#include "rails/evm/action.h"
#include "rails/evm/address.h"
#include "rails/evm/verifier_log.h"

#define LIST_MAX 256

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool ok)
{
	if (!ok)
		abort();
}

static struct err err;

static void same(struct buf *b, struct bytes v)
{
	must(buf_ok(b) && bytes_equal(buf_bytes(b), v));
}

static void read_single(struct bytes v, struct buf *b)
{
	struct hash32 word;
	bool yes;

	if (verifier_bool_result(v, &yes, &err) == 0) {
		abi_u64(b, yes);
		same(b, v);
	}
	buf_reset(b);
	if (verifier_word_result(v, &word, &err) == 0) {
		abi_word(b, &word);
		same(b, v);
	}
}

static void read_nonces(struct bytes v, size_t n, struct buf *b)
{
	bool used[LIST_MAX];

	if (verifier_nonces_used_result(v, used, n, &err) != 0)
		return;
	abi_u64(b, ABI_WORD);
	abi_u64(b, n);
	for (size_t i = 0; i < n; i++)
		abi_u64(b, used[i]);
	same(b, v);
}

/* Codes above those that are known fall together. */
static void read_codes(struct bytes v, size_t n)
{
	enum verifier_outcome codes[LIST_MAX];

	if (verifier_batch_result(v, codes, n, &err) != 0)
		return;
	must(v.n == (n + 2) * ABI_WORD);
	for (size_t i = 0; i < n; i++) {
		uint8_t code = v.p[(i + 3) * ABI_WORD - 1];

		must(codes[i] == verifier_outcome_of_code(code));
		must((codes[i] == VERIFIER_OTHER) == (code > VERIFIER_EFFECT_FAILED));
	}
}

static void write_arguments(struct buf *b, const struct verifier_revert *r)
{
	switch (r->why) {
	case VERIFIER_NONCE_USED:
		abi_address(b, &r->signer);
		abi_u64(b, r->nonce);
		break;
	case VERIFIER_UNKNOWN_SIGNER:
		abi_address(b, &r->signer);
		break;
	case VERIFIER_EFFECT_FAILED:
		abi_word(b, &r->directive_id);
		break;
	case VERIFIER_PANIC:
		abi_word(b, &r->code);
		break;
	case VERIFIER_UNSUPPORTED_ACTION:
	case VERIFIER_ERROR_TEXT:
		abi_u64(b, ABI_WORD);
		abi_bytes(b, r->text);
		break;
	case VERIFIER_DONE:
		abort();
	case VERIFIER_BAD_SIGNATURE:
	case VERIFIER_OTHER:
		break;
	}
}

static void read_revert(struct bytes v, struct buf *b)
{
	SCOPED(arena) struct arena a = ARENA_LIMIT(64 * 1024);
	struct verifier_revert r;
	const char *text;

	verifier_revert_decode(v, &r);
	must(bytes_equal(r.data, v));
	text = verifier_revert_text(&a, &r);
	must(utf8_valid(bytes_of(text)) && strlen(text) < ERR_MSG_MAX);
	for (const char *p = text; *p != '\0'; p++)
		must((unsigned char)*p >= 0x20 && *p != 0x7f);
	if (r.why == VERIFIER_OTHER)
		return;
	buf_add(b, v.p, 4);
	write_arguments(b, &r);
	same(b, v);
}

static void check_log(const struct verifier_log *log, const struct hash32 *topics, size_t n, struct bytes v,
		      struct buf *b)
{
	struct hash32 signer = abi_word_address(&log->signer), nonce = abi_word_u64(log->nonce);

	must(hash32_equal(&topics[n - 2], &signer) && hash32_equal(&topics[n - 1], &nonce));
	must(n == (log->event == VERIFIER_REVOKED ? 3 : 4));
	must(n == 3 || hash32_equal(&topics[1], &log->directive_id));
	if (log->event == VERIFIER_EXECUTED) {
		abi_address(b, &log->account);
		abi_word(b, &log->digest);
		same(b, v);
	} else if (log->event == VERIFIER_SKIPPED) {
		must(v.n == ABI_WORD && log->reason != VERIFIER_DONE);
	} else {
		must(v.n == 0);
	}
}

static void read_log(struct bytes v, size_t n, struct buf *b)
{
	struct hash32 topics[4] = { { { 0 } } };
	struct verifier_log log;
	struct reader r = reader_of(v);

	if (n > ARRAY_LEN(topics))
		n = ARRAY_LEN(topics);
	for (size_t i = 0; i < n; i++)
		topics[i] = abi_read_word(&r);
	v = read_bytes(&r, r.n);
	if (reader_ok(&r) && verifier_log_decode(topics, n, v, &log, &err) == 0 && log.event != VERIFIER_UNRELATED)
		check_log(&log, topics, n, v, b);
}

static void read_payload(struct bytes v)
{
	size_t n;
	const struct evm_action *all = evm_actions(&n);

	for (size_t i = 0; i < n; i++)
		if (all[i].validate(v, &err) == 0)
			must(v.n == 3 * (size_t)ABI_WORD || v.n == 7 * (size_t)ABI_WORD);
		else
			must(err.code == ERR_PARAM);
	err_clear(&err);
}

static void read_address(struct bytes v)
{
	char text[64] = "", again[EVM_ADDRESS_TEXT];
	struct evm_address a, b;

	if (v.n >= sizeof(text))
		return;
	if (v.n > 0)
		memcpy(text, v.p, v.n);
	if (evm_address_parse(text, &a, &err) != 0) {
		must(err.code == ERR_PARSE);
		err_clear(&err);
		return;
	}
	evm_address_text(&a, again);
	must(evm_address_parse(again, &b, &err) == 0 && evm_address_equal(&a, &b));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	SCOPED(buf) struct buf b = BUF_CAP(1024 * 1024);
	struct bytes v;

	if (size < 2)
		return 0;
	v = (struct bytes){ data + 2, size - 2 };
	err_clear(&err);
	switch (data[0] % 7) {
	case 0:
		read_single(v, &b);
		break;
	case 1:
		read_nonces(v, data[1], &b);
		break;
	case 2:
		read_codes(v, data[1]);
		break;
	case 3:
		read_revert(v, &b);
		break;
	case 4:
		read_log(v, data[1], &b);
		break;
	case 5:
		read_payload(v);
		break;
	default:
		read_address(v);
		break;
	}
	must(err.code == ERR_NONE || err.code == ERR_PEER_INVALID);
	return 0;
}
