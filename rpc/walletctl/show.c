#include "rpc/walletctl/show.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "rpc/walletctl/table.h"
#include "rpc/walletctl/term.h"

#define CELL_MAX ((size_t)64 * 1024 * 1024) /* as large as an answer may be */

/* Which members of a list's rows are worth a column; without any, each row is a block of its own.  Other lists show
 * every member that is not itself a container. */
static const struct list_view {
	const char *method, *member, *columns;
} list_views[] = {
	{ "action.list", "actions", "id kind status state error.message created_at_ms updated_at_ms" },
	{ "history", "movements", "id at_ms rail kind amount fee balance unit mint action_id note" },
	{ "events", "events", "seq at_ms kind subject data.kind data.state data.status data.reason data.error" },
	{ "wait", "events", "seq at_ms kind subject data.kind data.state data.status data.reason data.error" },
	{ "directive.list", "directives",
	  "outbox_seq directive_id action_key account nonce delivery_status attempts reason_class updated_at_ms" },
	{ "outbox.lanes", "lanes",
	  "lane chain_id relayer balance_wei latest pending next_tx_nonce gap slots_open hold pause_reason trouble what next" },
	{ "outbox.spaces", "spaces",
	  "space_id chain_id contract signer next_nonce ordering release_at configured hold pause_reason trouble what next" },
	{ "directive.stats", "lanes", "lane chain_id relayer balance_wei gap slots_open hold pause_reason trouble" },
	{ "directive.stats", "spaces", "space_id chain_id contract signer next_nonce hold pause_reason trouble" },
	{ "address.list", "addresses", "address label used index given_at_ms" },
	{ "utxo.list", "utxos", "outpoint amount_sat state confirmations address label holder" },
	{ "channel.list", "channels",
	  "channel peer state usable capacity_sat local_msat splice.kind splice.state splice.waits_for" },
	{ "vtxo.list", "vtxos", "vtxo_id amount_sat state blocks_left exit_depth exit_delta label holder" },
	{ "vtxo.import", "vtxos", "place vtxo_id amount_sat status error.message warning.message" },
	{ "exit.plan", "vtxos",
	  "vtxo_id amount_sat state exit_fee_sat claim_fee_sat economical expiry_height blocks_to_start" },
	{ "exit.cpfp_requests", "requests", "exit_txid exit_vsize feerate fee_sat" },
	{ "exit.list", "exits",
	  "exit vtxo_id amount_sat state waiting_for confirmed_txs depth blocks_left deadline_height fees_sat" },
	{ "mint.list", "mints", NULL },
	{ "key.list", "keys", "name scope budget_hour_sat budget_day_sat created_at_ms last_used_ms revoked_at_ms" },
	{ "status", "tasks", "name backlog runs failures last_success_ms last_error" },
};

/* --- one value --- */

static bool ends_with(const char *text, const char *end)
{
	size_t n = strlen(text), k = strlen(end);

	return n >= k && strcmp(text + n - k, end) == 0;
}

/* Unix time, told from a duration by its size: before 1973, or after three years of waiting, they would be confused.
 * 0 is how a moment that never was is written. */
static bool is_time(const char *name, const json_t *v, int64_t *ret_s)
{
	bool ms = ends_with(name, "_ms");
	int64_t n = json_integer_value(v);

	if (!json_is_integer(v) || (!ms && !ends_with(name, "_s")))
		return false;
	*ret_s = ms ? n / 1000 : n;
	if (n == 0)
		return ends_with(name, "_at_ms") || text_starts(name, "last_");
	return *ret_s > (ms ? INT64_C(100000000) : INT64_C(1000000000));
}

/* The member's name; of a time without what says that it is a number. */
static const char *label_of(struct arena *a, const char *name, const json_t *v)
{
	SCOPED(buf) struct buf label = BUF_CAP(CELL_MAX);
	int64_t s;
	size_t n = strlen(name);

	if (is_time(name, v, &s))
		n = (size_t)(strrchr(name, '_') - name);
	if (n > 3 && n < strlen(name) && strncmp(name + n - 3, "_at", 3) == 0)
		n -= 3;
	term_line(&label, arena_strndup(a, name, n));
	return arena_strdup(a, buf_text(&label));
}

static void add_time(struct buf *to, int64_t s)
{
	time_t at = (time_t)s;
	char text[64];
	struct tm tm;

	if (gmtime_r(&at, &tm) && strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%SZ", &tm) > 0)
		buf_text_add(to, text);
	else
		buf_printf(to, "%" PRId64, s);
}

static void add_json(struct buf *to, const json_t *v, size_t flags)
{
	char *text = json_dumps(v, flags | JSON_ENCODE_ANY);

	if (!text)
		err_fatal("cannot write JSON");
	term_lines(to, text);
	free(text);
}

static void add_scalar(struct buf *to, const char *name, const json_t *v)
{
	int64_t s;

	if (!v || json_is_null(v))
		buf_text_add(to, "-");
	else if (is_time(name, v, &s) && s == 0)
		buf_text_add(to, "-");
	else if (is_time(name, v, &s))
		add_time(to, s);
	else if (json_is_boolean(v))
		buf_text_add(to, json_is_true(v) ? "yes" : "no");
	else if (json_is_string(v))
		term_line(to, json_string_value(v));
	else
		add_json(to, v, JSON_COMPACT);
}

static const char *cell_of(struct arena *a, const char *name, const json_t *v)
{
	SCOPED(buf) struct buf cell = BUF_CAP(CELL_MAX);

	add_scalar(&cell, name, v);
	return arena_strdup(a, buf_text(&cell));
}

/* --- shapes --- */

static bool is_container(const json_t *v)
{
	return json_is_object(v) || json_is_array(v);
}

static bool is_list_of_objects(const json_t *v)
{
	const json_t *row;
	size_t i;

	json_array_foreach(v, i, row) if (!json_is_object(row)) return false;
	return json_array_size(v) > 0;
}

/* A list that fits behind its name: short words. */
static bool is_words(const json_t *v)
{
	const json_t *word;
	size_t i;

	json_array_foreach(v, i, word) if (is_container(word) ||
					   (json_is_string(word) && strchr(json_string_value(word), ' '))) return false;
	return json_is_array(v);
}

static bool is_empty(const json_t *v)
{
	return (json_is_object(v) && json_object_size(v) == 0) || (json_is_array(v) && json_array_size(v) == 0);
}

static bool is_inline(const json_t *v)
{
	return !is_container(v) || is_empty(v) || is_words(v);
}

static void add_indent(struct buf *to, unsigned depth)
{
	for (unsigned i = 0; i < depth; i++)
		buf_text_add(to, "  ");
}

/* --- tables --- */

static const json_t *member_at(const json_t *row, const char *path)
{
	const char *dot = strchr(path, '.');
	char name[64];

	if (!dot)
		return json_object_get(row, path);
	snprintf(name, sizeof(name), "%.*s", (int)(dot - path), path);
	return member_at(json_object_get(row, name), dot + 1);
}

struct paths_seen {
	const char **list;
	size_t n;
};

static void take_path(struct paths_seen *seen, const char *path)
{
	for (size_t i = 0; i < seen->n; i++)
		if (strcmp(seen->list[i], path) == 0)
			return;
	seen->list[seen->n++] = path;
}

static size_t count_members(const json_t *rows)
{
	const json_t *row;
	size_t i, n = 0;

	json_array_foreach(rows, i, row) n += json_object_size(row);
	return n;
}

/* Members that are no containers, in the order in which they turn up. */
static struct paths_seen paths_in(struct arena *a, json_t *rows)
{
	struct paths_seen seen = { ARENA_ARRAY(a, count_members(rows) + 1, const char *), 0 };
	json_t *row, *v;
	const char *name;
	size_t i;

	json_array_foreach(rows, i, row) json_object_foreach(row, name, v) if (is_inline(v)) take_path(&seen, name);
	return seen;
}

static struct paths_seen paths_of_view(struct arena *a, const char *columns)
{
	struct paths_seen seen = { ARENA_ARRAY(a, strlen(columns) + 1, const char *), 0 };

	while (*columns) {
		size_t n = strcspn(columns, " ");

		take_path(&seen, arena_strndup(a, columns, n));
		columns += n + (columns[n] == ' ');
	}
	return seen;
}

static const struct list_view *view_of(const char *method, const char *member)
{
	for (size_t i = 0; i < ARRAY_LEN(list_views); i++)
		if (strcmp(list_views[i].method, method) == 0 && strcmp(list_views[i].member, member) == 0)
			return &list_views[i];
	return NULL;
}

static const char *title_of(struct arena *a, const char *path, const json_t *sample)
{
	char *title = arena_strdup(a, label_of(a, path, sample));

	for (char *p = title; *p; p++)
		*p = (char)(*p == '_' || *p == '.' ? ' ' : toupper((unsigned char)*p));
	return title;
}

/* A value of this column, or NULL when no row has one: such a column is left out. */
static const json_t *sample_of(const json_t *rows, const char *path)
{
	const json_t *row;
	size_t i;

	json_array_foreach(rows, i, row)
	{
		const json_t *v = member_at(row, path);

		if (v && !json_is_null(v))
			return v;
	}
	return NULL;
}

static void add_inline(struct buf *to, const char *name, const json_t *v);

static const char *inline_cell(struct arena *a, const char *path, const json_t *v)
{
	SCOPED(buf) struct buf cell = BUF_CAP(CELL_MAX);

	if (!is_container(v))
		return cell_of(a, path, v);
	add_inline(&cell, path, v);
	return arena_strdup(a, buf_text(&cell));
}

static void add_table(struct buf *to, struct arena *a, struct paths_seen paths, json_t *rows, unsigned depth)
{
	struct column *columns = ARENA_ARRAY(a, paths.n + 1, struct column);
	const char **used = ARENA_ARRAY(a, paths.n + 1, const char *);
	const char **cells = ARENA_ARRAY(a, (paths.n + 1) * json_array_size(rows), const char *);
	SCOPED(buf) struct buf table = BUF_CAP(CELL_MAX);
	size_t n = 0, n_cells = 0, i;
	const char *text;
	json_t *row;

	for (i = 0; i < paths.n; i++) {
		const json_t *sample = sample_of(rows, paths.list[i]);
		int64_t s;

		if (!sample)
			continue;
		columns[n] = (struct column){ title_of(a, paths.list[i], sample),
					      json_is_number(sample) && !is_time(paths.list[i], sample, &s) };
		used[n++] = paths.list[i];
	}
	json_array_foreach(rows, i, row) for (size_t c = 0; c < n; c++)
		cells[n_cells++] = inline_cell(a, used[c], member_at(row, used[c]));
	if (n == 0)
		return;
	table_add(&table, a, columns, n, cells, json_array_size(rows));
	for (text = buf_text(&table); *text;) {
		size_t len = strcspn(text, "\n") + 1;

		add_indent(to, depth);
		buf_add(to, text, len);
		text += len;
	}
}

/* --- objects --- */

static void add_inline(struct buf *to, const char *name, const json_t *v)
{
	const json_t *word;
	size_t i;

	if (is_empty(v))
		buf_text_add(to, "none");
	else if (!is_container(v))
		add_scalar(to, name, v);
	else
		json_array_foreach(v, i, word)
		{
			buf_text_add(to, i ? ", " : "");
			add_scalar(to, name, word);
		}
}

struct shown {
	struct arena *arena;
	const char *method;
};

static void add_object(struct buf *to, const struct shown *s, json_t *obj, unsigned depth);

/* A list of anything but objects and short words: one to a line. */
static void add_items(struct buf *to, const struct shown *s, json_t *list, unsigned depth)
{
	json_t *item;
	size_t i;

	json_array_foreach(list, i, item)
	{
		if (json_is_object(item)) {
			buf_text_add(to, i ? "\n" : "");
			add_object(to, s, item, depth);
			continue;
		}
		add_indent(to, depth);
		add_scalar(to, "", item);
		buf_text_add(to, "\n");
	}
}

/* A blank line parts what belongs together at the top; deeper, the indent does. */
static void add_nested(struct buf *to, const struct shown *s, const char *name, json_t *v, unsigned depth, bool alone)
{
	const struct list_view *view = view_of(s->method, name);

	if (!alone) {
		if (depth == 0 && to->n > 0)
			buf_text_add(to, "\n");
		add_indent(to, depth);
		term_line(to, name);
		buf_text_add(to, ":\n");
		depth++;
	}
	if (json_is_object(v))
		add_object(to, s, v, depth);
	else if (is_list_of_objects(v) && (!view || view->columns))
		add_table(to, s->arena, view ? paths_of_view(s->arena, view->columns) : paths_in(s->arena, v), v,
			  depth);
	else
		add_items(to, s, v, depth);
}

static void add_object(struct buf *to, const struct shown *s, json_t *obj, unsigned depth)
{
	size_t width = 0, nested = 0;
	const char *name;
	json_t *v;

	json_object_foreach(obj, name, v)
	{
		size_t w = term_width(label_of(s->arena, name, v));

		if (!is_inline(v))
			nested++;
		else if (w > width)
			width = w;
	}
	json_object_foreach(obj, name, v)
	{
		const char *label = label_of(s->arena, name, v);

		if (!is_inline(v))
			continue;
		add_indent(to, depth);
		buf_text_add(to, label);
		for (size_t w = term_width(label); w < width + 2; w++)
			buf_u8(to, ' ');
		add_inline(to, name, v);
		buf_text_add(to, "\n");
	}
	/* A result that is one list needs no headline over its table. */
	json_object_foreach(obj, name, v) if (!is_inline(v))
		add_nested(to, s, name, v, depth, depth == 0 && nested == 1 && width == 0 && json_is_array(v));
}

/* --- a whole result --- */

void show_result(struct buf *to, struct arena *a, const char *method, json_t *result)
{
	struct shown s = { a, method };
	json_t *rest = json_hold(a, json_copy(result));
	const json_t *next = json_object_get(result, "next");

	/* The cursor of a list goes last, as what to type for more. */
	(void)json_object_del(rest, "next");
	add_object(to, &s, rest, 0);
	if (json_is_string(next) || json_is_integer(next)) {
		buf_text_add(to, "\nmore: after=");
		add_scalar(to, "", next);
		buf_text_add(to, "\n");
	}
}

void show_json(struct buf *to, const json_t *v)
{
	add_json(to, v, JSON_INDENT(2));
	buf_text_add(to, "\n");
}

static void add_text(struct buf *to, const char *before, const json_t *text)
{
	if (!json_is_string(text))
		return;
	buf_text_add(to, before);
	term_line(to, json_string_value(text));
	buf_text_add(to, "\n");
}

void show_error(struct buf *to, const json_t *error)
{
	const json_t *data = json_object_get(error, "data");
	const json_t *moved = json_object_get(data, "funds_moved");

	add_text(to, "error: ", json_object_get(error, "message"));
	add_text(to, "kind: ", json_object_get(data, "kind"));
	add_text(to, "field: ", json_object_get(data, "field"));
	if (json_is_string(moved) && strcmp(json_string_value(moved), "no") != 0)
		add_text(to, "funds moved: ", moved);
	add_text(to, "action: ", json_object_get(data, "action_id"));
	add_text(to, "hint: ", json_object_get(data, "hint"));
}
