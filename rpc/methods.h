/* rpc/methods.h - every method's row, by the file that holds its handler.  methods.c lists them. */
#ifndef RPC_METHODS_H
#define RPC_METHODS_H

#include "rpc/method.h"

/* method_daemon.c */
extern const struct rpc_method method_status, method_help, method_rpc_discover, method_stop, method_log_level,
	method_config_show;
/* method_key.c */
extern const struct rpc_method method_key_create, method_key_list, method_key_rotate, method_key_revoke;
/* method_wallet.c */
extern const struct rpc_method method_wallet_create, method_wallet_restore, method_wallet_unlock, method_wallet_lock,
	method_wallet_info;
/* method_backup.c */
extern const struct rpc_method method_backup_create, method_backup_verify;
/* method_ledger.c */
extern const struct rpc_method method_balance, method_history, method_history_export;
/* method_action.c */
extern const struct rpc_method method_action_kinds, method_action_start, method_action_list, method_action_get,
	method_action_cancel, method_action_wake, method_action_explain;
/* method_event.c */
extern const struct rpc_method method_wait, method_events;
/* method_mint.c */
extern const struct rpc_method method_mint_add, method_mint_list, method_mint_set;
/* method_ecash.c */
extern const struct rpc_method method_token_decode, method_proof_list;
/* method_lock.c */
extern const struct rpc_method method_lock_key_new, method_lock_key_list;
/* method_payment_request.c */
extern const struct rpc_method method_payment_request_create, method_payment_request_decode;
/* method_invoice.c */
extern const struct rpc_method method_invoice_decode;
/* method_onchain.c */
extern const struct rpc_method method_address_new, method_address_list, method_utxo_list, method_tx_get,
	method_fee_estimate, method_onchain_bump;
/* method_psbt.c */
extern const struct rpc_method method_psbt_create, method_psbt_decode, method_psbt_sign, method_psbt_combine,
	method_psbt_finalize, method_psbt_broadcast;
/* method_vtxo.c */
extern const struct rpc_method method_vtxo_import, method_vtxo_list, method_vtxo_get, method_vtxo_validate,
	method_vtxo_export;
/* method_exit.c */
extern const struct rpc_method method_exit_start, method_exit_list, method_exit_get, method_exit_cancel,
	method_exit_feerate;
/* method_exit_claim.c */
extern const struct rpc_method method_exit_claim, method_exit_sign, method_exit_preimage;
/* method_exit_cpfp.c */
extern const struct rpc_method method_exit_cpfp_requests, method_exit_cpfp_provide;
/* method_plan.c */
extern const struct rpc_method method_exit_plan, method_exit_prepare, method_exit_server;
/* method_channel.c */
extern const struct rpc_method method_channel_list;
/* method_directive.c */
extern const struct rpc_method method_directive_append, method_directive_list, method_directive_get,
	method_directive_retry, method_directive_resolve, method_directive_stats;
/* method_outbox.c */
extern const struct rpc_method method_outbox_lanes, method_outbox_spaces, method_outbox_pause, method_outbox_resume,
	method_outbox_cancel_slot, method_outbox_nonce_advance;

#define PAGE_DEFAULT 100
#define PAGE_MAX     1000
#define WAIT_MAX_S   300
/* A page ends early when it has taken this much memory: its `next` goes on from there. */
#define PAGE_BYTES (8u << 20)

#define LIMIT_PARAM                                                                                                    \
	{                                                                                                              \
		.name = "limit", .type = PARAM_INT, .min = 1, .max = PAGE_MAX, .fallback = "100",                      \
		.help = "How many at most."                                                                            \
	}
#define CURSOR_PARAM                                                                                                   \
	{                                                                                                              \
		.name = "after", .type = PARAM_STRING, .min = 1, .max = 128, .fallback = "from the start",             \
		.help = "The `next` of the page before."                                                               \
	}

/* Parameters after the table's check: absent gives the default. */
const char *rpc_param_str(const struct rpc_call *call, const char *name); /* or NULL */
int64_t rpc_param_int(const struct rpc_call *call, const char *name, int64_t fallback);
bool rpc_param_bool(const struct rpc_call *call, const char *name); /* default false */
/* A cursor that is a row's number; 0 without.  ERR_PARAM. */
MUST_CHECK int rpc_param_cursor(const struct rpc_call *call, int64_t *ret, struct err *err);
/* A row's number as a cursor, or null for 0. */
void rpc_set_next(json_t *result, int64_t row);

#endif
