/* rpc/walletctl/qr.h - QR codes in half blocks: two modules to a character. */
#ifndef RPC_WALLETCTL_QR_H
#define RPC_WALLETCTL_QR_H

#include "base/json.h"

/* What a phone can scan in a result: an invoice as "LIGHTNING:LNBC…", an address of address.new as "BITCOIN:BC1P…" (BIP21), a
 * token as it is.  Of an action: in its own
 * `result`, not in what it was started with.  *ret_text is the same for eyes and clipboards.  NULL without one. */
const char *qr_payload(struct arena *a, const json_t *result, const char **ret_text);
/* Appends the code, with the quiet zone of the standard.  colours: light on dark whatever the terminal's own colours are.
 * max_columns: 0 for any width.  Appends nothing and returns false when the text is too long for a code, or the code too
 * wide. */
bool qr_add(struct buf *to, const char *text, bool colours, unsigned max_columns);

#endif
