/* actions/invoice.h - a Lightning invoice as the RPC shows it, before it is paid.  Paying one is a cashu_melt. */
#ifndef ACTIONS_INVOICE_H
#define ACTIONS_INVOICE_H

#include "base/json.h"
#include "base/network.h"
#include "store/view.h"

/* What it asks for; whether a wallet of this network could pay it at now_s (unix time); and which action of this wallet pays
 * it or has paid it.  BOLT 11 only.  ERR_INVOICE, ERR_UNSUPPORTED: field `invoice`. */
MUST_CHECK int invoice_describe(struct view v, struct arena *a, const char *text, enum network net, int64_t now_s,
				json_t **ret, struct err *err);

#endif
