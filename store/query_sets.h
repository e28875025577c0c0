/* store/query_sets.h - the statements of each table family, defined beside the functions that use them.  For the files
 * of store/ only. */
#ifndef STORE_QUERY_SETS_H
#define STORE_QUERY_SETS_H

#include "store/stmt.h"

extern const struct query_set meta_queries;         /* wallet_store.c */
extern const struct query_set wallet_queries;       /* wallet_store.c */
extern const struct query_set action_queries;       /* action_store.c */
extern const struct query_set event_queries;        /* event_store.c */
extern const struct query_set movement_queries;     /* movement_store.c */
extern const struct query_set call_queries;         /* call_store.c */
extern const struct query_set credential_queries;   /* credential_store.c */
extern const struct query_set key_index_queries;    /* key_index_store.c */
extern const struct query_set mint_queries;         /* mint_store.c */
extern const struct query_set quote_queries;        /* quote_store.c */
extern const struct query_set melt_queries;         /* melt_store.c */
extern const struct query_set proof_queries;        /* proof_store.c */
extern const struct query_set output_queries;       /* output_store.c */
extern const struct query_set space_queries;        /* space_store.c */
extern const struct query_set directive_queries;    /* directive_store.c */
extern const struct query_set claim_queries;        /* directive_claim.c */
extern const struct query_set signature_queries;    /* signature_store.c */
extern const struct query_set lane_queries;         /* lane_store.c */
extern const struct query_set slot_queries;         /* slot_store.c */
extern const struct query_set attempt_queries;      /* attempt_store.c */
extern const struct query_set outbox_audit_queries; /* outbox_audit.c */
extern const struct query_set chain_queries;        /* chain_store.c */
extern const struct query_set sync_queries;         /* sync_store.c */
extern const struct query_set watch_queries;        /* watch_store.c */
extern const struct query_set exit_queries;         /* exit_store.c */
extern const struct query_set exit_tx_queries;      /* exit_tx_store.c */
extern const struct query_set exit_child_queries;   /* exit_child_store.c */
extern const struct query_set exit_claim_queries;   /* exit_claim_store.c */
extern const struct query_set script_queries;       /* script_store.c */
extern const struct query_set tx_queries;           /* tx_store.c */
extern const struct query_set tx_change_queries;    /* tx_change.c */
extern const struct query_set tx_block_queries;     /* tx_block.c */
extern const struct query_set tx_read_queries;      /* tx_read.c */
extern const struct query_set settle_queries;       /* tx_settle.c */
extern const struct query_set utxo_queries;         /* utxo_store.c */
extern const struct query_set ark_key_queries;      /* ark_key_store.c */
extern const struct query_set ark_server_queries;   /* ark_server_store.c */
extern const struct query_set ark_preimage_queries; /* ark_preimage_store.c */
extern const struct query_set vtxo_queries;         /* vtxo_store.c */
extern const struct query_set channel_queries;      /* channel_store.c */
extern const struct query_set splice_queries;       /* splice_store.c */
extern const struct query_set splice_coin_queries;  /* splice_coin_store.c */
extern const struct query_set splice_past_queries;  /* splice_past_store.c */
extern const struct query_set funding_queries;      /* funding_store.c */
extern const struct query_set candidate_queries;    /* candidate_store.c */

#endif
