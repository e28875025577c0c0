/* rails/lightning/cln_pairs.h - the exchanges of backend.h with Core Lightning, between cln_call.c, cln_reply.c and the table in
 * cln.c.  Nobody else includes this. */
#ifndef RAILS_LIGHTNING_CLN_PAIRS_H
#define RAILS_LIGHTNING_CLN_PAIRS_H

#include "rails/lightning/backend.h"

MUST_CHECK int cln_info_request(struct arena *a, const struct ln_node *node, struct net_request *ret, struct err *err);
MUST_CHECK int cln_info_decode(struct arena *a, const struct net_reply *rep, struct ln_info *ret, struct err *err);
MUST_CHECK int cln_channels_request(struct arena *a, const struct ln_node *node, const struct ln_ref *ref,
				    struct net_request *ret, struct err *err);
MUST_CHECK int cln_channels_decode(struct arena *a, const struct net_reply *rep, struct ln_channel **ret, size_t *n,
				   struct err *err);
MUST_CHECK int cln_closed_request(struct arena *a, const struct ln_node *node, const struct ln_ref *ref,
				  struct net_request *ret, struct err *err);
MUST_CHECK int cln_closed_decode(struct arena *a, const struct net_reply *rep, const struct ln_ref *ref, bool *ret,
				 struct err *err);
MUST_CHECK int cln_coins_request(struct arena *a, const struct ln_node *node, struct net_request *ret, struct err *err);
MUST_CHECK int cln_coins_decode(struct arena *a, const struct net_reply *rep, struct splice_input **ret, size_t *n,
				struct err *err);
MUST_CHECK int cln_peer_request(struct arena *a, const struct ln_node *node, const struct ln_ref *ref,
				struct net_request *ret, struct err *err);
MUST_CHECK int cln_peer_decode(struct arena *a, const struct net_reply *rep, bool *ret_known, bool *ret_splices,
			       struct err *err);
MUST_CHECK int cln_connect_request(struct arena *a, const struct ln_node *node, const struct ln_ref *ref,
				   struct net_request *ret, struct err *err);
MUST_CHECK int cln_connect_decode(struct arena *a, const struct net_reply *rep, struct err *err);
MUST_CHECK int cln_disconnect_request(struct arena *a, const struct ln_node *node, const struct ln_ref *ref,
				      struct net_request *ret, struct err *err);
MUST_CHECK int cln_disconnect_decode(struct arena *a, const struct net_reply *rep, struct err *err);
MUST_CHECK int cln_feerates_request(struct arena *a, const struct ln_node *node, struct net_request *ret,
				    struct err *err);
MUST_CHECK int cln_feerates_decode(struct arena *a, const struct net_reply *rep, struct ln_feerates *ret,
				   struct err *err);
MUST_CHECK int cln_fund_request(struct arena *a, const struct ln_node *node, const struct ln_fund *fund,
				struct net_request *ret, struct err *err);
MUST_CHECK int cln_fund_decode(struct arena *a, const struct net_reply *rep, struct ln_funded *ret, struct err *err);
MUST_CHECK int cln_pay_request(struct arena *a, const struct ln_node *node, const struct ln_pay *pay,
			       struct net_request *ret, struct err *err);
MUST_CHECK int cln_pay_decode(struct arena *a, const struct net_reply *rep, struct ln_paid *ret, struct err *err);
MUST_CHECK int cln_open_request(struct arena *a, const struct ln_node *node, const struct ln_open *open,
				struct net_request *ret, struct err *err);
MUST_CHECK int cln_open_decode(struct arena *a, const struct net_reply *rep, struct ln_round *ret, struct err *err);
MUST_CHECK int cln_update_request(struct arena *a, const struct ln_node *node, const struct ln_ref *ref,
				  const char *psbt, struct net_request *ret, struct err *err);
MUST_CHECK int cln_update_decode(struct arena *a, const struct net_reply *rep, struct ln_round *ret, struct err *err);
MUST_CHECK int cln_sign_request(struct arena *a, const struct ln_node *node, const char *psbt, const uint32_t *inputs,
				size_t n, struct net_request *ret, struct err *err);
MUST_CHECK int cln_sign_decode(struct arena *a, const struct net_reply *rep, const char **ret_psbt, struct err *err);
MUST_CHECK int cln_commit_request(struct arena *a, const struct ln_node *node, const struct ln_ref *ref,
				  const char *psbt, struct net_request *ret, struct err *err);
MUST_CHECK int cln_commit_decode(struct arena *a, const struct net_reply *rep, struct ln_committed *ret,
				 struct err *err);
MUST_CHECK int cln_abort_request(struct arena *a, const struct ln_node *node, const struct ln_ref *ref,
				 struct net_request *ret, struct err *err);
MUST_CHECK int cln_abort_decode(struct arena *a, const struct net_reply *rep, struct err *err);
MUST_CHECK int cln_release_request(struct arena *a, const struct ln_node *node, const char *psbt,
				   struct net_request *ret, struct err *err);
MUST_CHECK int cln_release_decode(struct arena *a, const struct net_reply *rep, struct err *err);
MUST_CHECK int cln_renew_request(struct arena *a, const struct ln_node *node, const char *psbt, uint32_t blocks,
				 struct net_request *ret, struct err *err);
MUST_CHECK int cln_renew_decode(struct arena *a, const struct net_reply *rep, struct err *err);

#endif
