#include "actions/coins.h"

#include "store/melt_store.h"
#include "store/proof_store.h"
#include "store/quote_store.h"
#include "store/utxo_store.h"

int coins_release(struct unit *u, const struct action_id *holder, int64_t now_ms, struct err *err)
{
	if (proof_store_release(u, holder, now_ms, err) != 0 || utxo_store_release(u, holder, now_ms, err) != 0)
		return -1;
	return quote_store_release(u, holder, err) != 0 || melt_store_release(u, holder, err) != 0 ? -1 : 0;
}
