#include "rpc/walletctl/table.h"

#include "rpc/walletctl/term.h"

static void add_spaces(struct buf *to, size_t n)
{
	while (n-- > 0)
		buf_u8(to, ' ');
}

static void add_cell(struct buf *to, const char *cell, size_t width, bool right, bool last)
{
	size_t pad = width - term_width(cell);

	if (right)
		add_spaces(to, pad);
	buf_text_add(to, cell);
	if (last)
		buf_u8(to, '\n');
	else
		add_spaces(to, (right ? 0 : pad) + 2);
}

void table_add(struct buf *to, struct arena *a, const struct column *columns, size_t n_columns,
	       const char *const *cells, size_t n_rows)
{
	size_t *widths = ARENA_ARRAY(a, n_columns, size_t);

	for (size_t c = 0; c < n_columns; c++)
		widths[c] = term_width(columns[c].title);
	for (size_t i = 0; i < n_rows * n_columns; i++) {
		size_t width = term_width(cells[i]);

		if (width > widths[i % n_columns])
			widths[i % n_columns] = width;
	}
	for (size_t c = 0; c < n_columns; c++)
		add_cell(to, columns[c].title, widths[c], columns[c].right, c + 1 == n_columns);
	for (size_t i = 0; i < n_rows * n_columns; i++) {
		size_t c = i % n_columns;

		add_cell(to, cells[i], widths[c], columns[c].right, c + 1 == n_columns);
	}
}
