#include "store/query_sets.h"

const struct query_set *const query_sets[FAMILY_COUNT] = {
	[FAMILY_META] = &meta_queries,
	[FAMILY_WALLET] = &wallet_queries,
	[FAMILY_ACTION] = &action_queries,
	[FAMILY_EVENT] = &event_queries,
	[FAMILY_MOVEMENT] = &movement_queries,
	[FAMILY_CALL] = &call_queries,
	[FAMILY_CREDENTIAL] = &credential_queries,
	[FAMILY_KEY_INDEX] = &key_index_queries,
	[FAMILY_MINT] = &mint_queries,
	[FAMILY_QUOTE] = &quote_queries,
	[FAMILY_PROOF] = &proof_queries,
	[FAMILY_OUTPUT] = &output_queries,
	[FAMILY_SPACE] = &space_queries,
	[FAMILY_DIRECTIVE] = &directive_queries,
	[FAMILY_CLAIM] = &claim_queries,
	[FAMILY_SIGNATURE] = &signature_queries,
	[FAMILY_LANE] = &lane_queries,
	[FAMILY_SLOT] = &slot_queries,
	[FAMILY_ATTEMPT] = &attempt_queries,
	[FAMILY_OUTBOX_AUDIT] = &outbox_audit_queries,
};
