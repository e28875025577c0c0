#include "rpc/walletctl/term.h"

#include <locale.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/text.h"

void term_init(void)
{
	/* glibc always has this locale.  Without it wcwidth() knows ASCII alone, and tables merely lean. */
	(void)setlocale(LC_CTYPE, "C.UTF-8");
}

/* Beside the controls: what shows nothing and yet moves, joins or reorders what is around it. */
static bool is_unsafe(uint32_t c)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{ 0x00, 0x1f },     { 0x7f, 0x9f },     /* C0, DEL, C1: 0x9b begins a sequence like ESC [ */
		{ 0xad, 0xad },     { 0x61c, 0x61c },   /* soft hyphen; Arabic letter mark */
		{ 0x180e, 0x180e }, { 0x200b, 0x200f }, /* zero width, direction marks */
		{ 0x2028, 0x202e }, { 0x2060, 0x206f }, /* line separators, direction overrides and isolates */
		{ 0xfeff, 0xfeff }, { 0xfff9, 0xfffb }, { 0xe0000, 0xe0fff },
	};

	for (size_t i = 0; i < ARRAY_LEN(ranges); i++)
		if (c >= ranges[i].first && c <= ranges[i].last)
			return true;
	return false;
}

static void add_escaped(struct buf *to, uint32_t c)
{
	if (c > 0xffff) {
		buf_printf(to, "\\u%04x", (unsigned)(0xd800 + ((c - 0x10000) >> 10)));
		c = 0xdc00 + ((c - 0x10000) & 0x3ff);
	}
	buf_printf(to, "\\u%04x", (unsigned)c);
}

static void add_safe(struct buf *to, const char *text, bool keep_lines)
{
	struct bytes rest = bytes_of(text);

	while (rest.n > 0) {
		uint32_t c;
		size_t n = utf8_next(rest, &c);

		if (n == 0) {
			buf_text_add(to, "\xef\xbf\xbd");
			n = 1;
		} else if (keep_lines && c == '\r' && rest.n > 1 && rest.p[1] == '\n') {
			/* The line break that follows is the whole of it. */
		} else if (is_unsafe(c) && !(keep_lines && (c == '\n' || c == '\t'))) {
			add_escaped(to, c);
		} else {
			buf_add(to, rest.p, n);
		}
		rest.p += n;
		rest.n -= n;
	}
}

void term_line(struct buf *to, const char *text)
{
	add_safe(to, text, false);
}

void term_lines(struct buf *to, const char *text)
{
	add_safe(to, text, true);
}

size_t term_width(const char *text)
{
	struct bytes rest = bytes_of(text);
	size_t width = 0, n;
	uint32_t c;

	for (; (n = utf8_next(rest, &c)) > 0; rest.p += n, rest.n -= n) {
		int columns = wcwidth((wchar_t)c);

		width += columns < 0 ? 1 : (size_t)columns;
	}
	return width;
}

unsigned term_columns(FILE *f)
{
	struct winsize size;

	if (!isatty(fileno(f)))
		return 0;
	return ioctl(fileno(f), TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}
