#include "rails/cashu/cbor_map.h"

#include <assert.h>
#include <string.h>

#include "base/text.h"

#define FIELDS_MAX 32

int cbor_malformed(const struct cbor_source *in, struct err *err, const char *why)
{
	return ERR(err, in->code, "%s: %s", in->what, why);
}

static int not_cbor(const struct cbor_source *in, struct err *err)
{
	return cbor_malformed(in, err, "its CBOR is damaged, cut off or nested too deep");
}

static int about_field(const struct cbor_source *in, const struct cbor_field *f, const char *why, struct err *err)
{
	return ERR(err, in->code, "%s: \"%s\" %s", in->what, f->name, why);
}

/* One key and the head of its value.  *ret_field is n for a key that is not known. */
static int pair_read(struct cbor_source *in, unsigned depth, const struct cbor_field *fields, size_t n,
		     size_t *ret_field, struct cbor_value *ret, struct err *err)
{
	struct cbor_value key;
	size_t f = n;

	if (!cbor_next(in->a, &in->r, &key))
		return not_cbor(in, err);
	if (key.kind == CBOR_TEXT)
		for (f = 0; f < n; f++)
			if (bytes_equal(key.v, bytes_of(fields[f].name)))
				break;
	if (!cbor_skip(in->a, &in->r, key, depth + 1) || !cbor_next(in->a, &in->r, ret) || ret->kind == CBOR_BREAK)
		return not_cbor(in, err);
	*ret_field = f;
	return 0;
}

int cbor_map_read(struct cbor_source *in, struct cbor_value map, unsigned depth, const struct cbor_field *fields,
		  size_t n, cbor_field_reader *read, void *to, struct err *err)
{
	uint32_t seen = 0, present = 0;
	struct cbor_value v;
	bool more;
	size_t f;

	assert(n <= FIELDS_MAX);
	for (;;) {
		if (!cbor_more(&in->r, &map, &more))
			return not_cbor(in, err);
		if (!more)
			break;
		if (pair_read(in, depth, fields, n, &f, &v, err) != 0)
			return -1;
		if (f == n) {
			if (!cbor_skip(in->a, &in->r, v, depth + 1))
				return not_cbor(in, err);
			continue;
		}
		if ((seen & UINT32_C(1) << f) != 0)
			return about_field(in, &fields[f], "appears twice", err);
		seen |= UINT32_C(1) << f;
		if (v.kind == CBOR_NULL)
			continue;
		if (v.kind != fields[f].kind)
			return about_field(in, &fields[f], "is of another kind", err);
		present |= UINT32_C(1) << f;
		if (read(in, f, v, to, err) != 0)
			return -1;
	}
	for (f = 0; f < n; f++)
		if (fields[f].required && (present & UINT32_C(1) << f) == 0)
			return about_field(in, &fields[f], "is missing", err);
	return 0;
}

int cbor_source_read(struct cbor_source *in, const struct cbor_field *fields, size_t n, cbor_field_reader *read,
		     void *to, struct err *err)
{
	struct cbor_value v;

	if (!cbor_next(in->a, &in->r, &v))
		return not_cbor(in, err);
	if (v.kind != CBOR_MAP)
		return cbor_malformed(in, err, "it is not a map");
	if (cbor_map_read(in, v, 0, fields, n, read, to, err) != 0)
		return -1;
	return reader_at_end(&in->r) ? 0 : cbor_malformed(in, err, "something follows it");
}

int cbor_array_read(struct cbor_source *in, struct cbor_value array, enum cbor_kind kind, cbor_item_reader *read,
		    void *to, struct err *err)
{
	struct cbor_value v;
	bool more;

	for (;;) {
		if (!cbor_more(&in->r, &array, &more))
			return not_cbor(in, err);
		if (!more)
			return 0;
		if (!cbor_next(in->a, &in->r, &v))
			return not_cbor(in, err);
		if (v.kind != kind)
			return cbor_malformed(in, err, "a list of it holds something of another kind");
		if (read(in, v, to, err) != 0)
			return -1;
	}
}

int cbor_exact(const struct cbor_source *in, struct bytes v, void *to, size_t n, struct err *err)
{
	if (v.n != n)
		return ERR(err, in->code, "%s: %zu bytes where there must be %zu", in->what, v.n, n);
	memcpy(to, v.p, n);
	return 0;
}

int cbor_text(const struct cbor_source *in, struct bytes v, size_t max, const char **ret, struct err *err)
{
	if (v.n > max)
		return ERR(err, in->code, "%s: a text of %zu bytes where there can be %zu", in->what, v.n, max);
	if (!utf8_valid(v))
		return cbor_malformed(in, err, "a text that is not UTF-8");
	if (!arena_room(in->a, v.n + 1))
		return cbor_malformed(in, err, "too large");
	*ret = arena_strndup(in->a, (const char *)v.p, v.n);
	return 0;
}
