#include "rails/evm/verifier_log.h"

#include <string.h>

#include "rails/evm/abi.h"

/* Keccak-256 of "DirectiveExecuted(bytes32,address,uint64,address,bytes32)". */
const struct hash32 verifier_topic_executed = { { 0xb3, 0x05, 0x6c, 0xb3, 0xdd, 0xf4, 0xd3, 0x1a, 0xf8, 0xc2, 0x94,
						  0x38, 0xf4, 0xab, 0x9e, 0x51, 0x0c, 0x21, 0xd3, 0x7c, 0xa1, 0xd0,
						  0x4b, 0x43, 0x70, 0x5d, 0xe3, 0x61, 0x32, 0x07, 0xc7, 0xe8 } };
/* Keccak-256 of "DirectiveSkipped(bytes32,address,uint64,uint8)". */
const struct hash32 verifier_topic_skipped = { { 0x47, 0xe2, 0x7e, 0x9b, 0xa8, 0x0b, 0x5a, 0xae, 0x5c, 0x10, 0x0a,
						 0xd0, 0x5c, 0xd1, 0x61, 0x5f, 0x9a, 0x4e, 0x4c, 0x92, 0x71, 0xde,
						 0x13, 0x25, 0x12, 0xbd, 0xdf, 0x63, 0x90, 0x03, 0xfd, 0x91 } };
/* Keccak-256 of "NonceRevoked(address,uint64)". */
const struct hash32 verifier_topic_revoked = { { 0xbc, 0x5d, 0x0a, 0xd3, 0x4e, 0xc4, 0x73, 0x98, 0x75, 0x05, 0xe8,
						 0x36, 0xce, 0x0a, 0x21, 0xaa, 0x42, 0x5e, 0xf9, 0x19, 0xbf, 0x0e,
						 0x2f, 0x42, 0x74, 0xe2, 0x34, 0xa6, 0x92, 0x70, 0x4c, 0x69 } };

static enum verifier_event event_of(const struct hash32 *topic)
{
	if (hash32_equal(topic, &verifier_topic_executed))
		return VERIFIER_EXECUTED;
	if (hash32_equal(topic, &verifier_topic_skipped))
		return VERIFIER_SKIPPED;
	if (hash32_equal(topic, &verifier_topic_revoked))
		return VERIFIER_REVOKED;
	return VERIFIER_UNRELATED;
}

static bool signer_and_nonce(const struct hash32 topics[2], struct verifier_log *log)
{
	return abi_word_to_address(&topics[0], &log->signer) && abi_word_to_u64(&topics[1], &log->nonce);
}

static bool read_data(struct bytes data, struct verifier_log *log)
{
	struct reader r = reader_of(data);

	if (log->event == VERIFIER_EXECUTED) {
		log->account = abi_read_address(&r);
		log->digest = abi_read_word(&r);
	} else if (log->event == VERIFIER_SKIPPED) {
		log->reason = verifier_outcome_of_code((uint8_t)abi_read_uint(&r, 8));
		if (log->reason == VERIFIER_DONE)
			reader_fail(&r);
	}
	return reader_at_end(&r);
}

static bool read_topics(const struct hash32 *topics, size_t n, struct verifier_log *log)
{
	if (log->event == VERIFIER_REVOKED)
		return n == 3 && signer_and_nonce(topics + 1, log);
	if (n != 4)
		return false;
	log->directive_id = topics[1];
	return signer_and_nonce(topics + 2, log);
}

int verifier_log_decode(const struct hash32 *topics, size_t n, struct bytes data, struct verifier_log *ret,
			struct err *err)
{
	struct verifier_log log = { .event = n > 0 ? event_of(&topics[0]) : VERIFIER_UNRELATED };

	if (log.event != VERIFIER_UNRELATED && (!read_topics(topics, n, &log) || !read_data(data, &log)))
		return ERR(err, ERR_PEER_INVALID,
			   "a log with a topic of the contract's and %zu topics, %zu bytes is not its", n, data.n);
	*ret = log;
	return 0;
}
