/* rpc/walletctl/table.h - rows and columns, aligned by what a terminal shows and not by bytes. */
#ifndef RPC_WALLETCTL_TABLE_H
#define RPC_WALLETCTL_TABLE_H

#include "base/arena.h"

struct column {
	const char *title;
	bool right; /* numbers */
};
/* cells: row by row, safe text (term.h).  Two spaces between columns, none at the end of a line. */
void table_add(struct buf *to, struct arena *a, const struct column *columns, size_t n_columns,
	       const char *const *cells, size_t n_rows);

#endif
