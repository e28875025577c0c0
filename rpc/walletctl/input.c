#include "rpc/walletctl/input.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/secret.h"
#include "base/text.h"

static int read_all(int fd, const char *name, struct arena *a, struct bytes *ret, struct err *err)
{
	SCOPED(buf) struct buf all = BUF_SECRET(INPUT_MAX);
	uint8_t piece[4096];
	ssize_t n;

	while ((n = read(fd, piece, sizeof(piece))) != 0) {
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ERR(err, ERR_IO, "cannot read %s: %s", name, strerror(errno));
		buf_add(&all, piece, (size_t)n);
		secret_wipe(piece, (size_t)n);
		if (!buf_ok(&all))
			return ERR(err, ERR_RANGE, "%s holds more than %zu bytes", name, INPUT_MAX);
	}
	if (!utf8_valid(buf_bytes(&all)))
		return ERR(err, ERR_PARAM, "%s does not hold text in UTF-8", name);
	*ret = arena_bytes(a, buf_bytes(&all));
	return 0;
}

static int read_stdin(struct input *in, struct arena *a, struct bytes *ret, struct err *err)
{
	if (in->taken)
		return ERR(err, ERR_PARAM, "only one value can come from standard input");
	in->taken = true;
	return read_all(in->fd, "standard input", a, ret, err);
}

int input_read(struct input *in, struct arena *a, const char *source, struct bytes *ret, struct err *err)
{
	SCOPED(fd) int fd = -1;

	if (strcmp(source, "-") == 0 || strcmp(source, "@-") == 0)
		return read_stdin(in, a, ret, err);
	fd = open(source + 1, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return ERR(err, ERR_IO, "cannot open %.200s: %s", source + 1, strerror(errno));
	return read_all(fd, source + 1, a, ret, err);
}

int input_secret(struct input *in, struct arena *a, const char *source, const char *what, struct bytes *ret,
		 struct err *err)
{
	struct bytes text;

	if (strcmp(source, "-") == 0 && in->tty && isatty(in->fd))
		return input_ask(in, a, what, false, ret, err);
	if (input_read(in, a, source, &text, err) != 0)
		return -1;
	if (text.n > 0 && text.p[text.n - 1] == '\n')
		text.n--;
	if (text.n > 0 && text.p[text.n - 1] == '\r')
		text.n--;
	*ret = arena_bytes(a, text);
	return 0;
}

/* --- asking --- */

static void show(int tty, const char *text)
{
	/* Without a prompt the answer can still be typed. */
	if (write(tty, text, strlen(text)) < 0)
		return;
}

static void drop_character(struct buf *typed)
{
	while (typed->n > 0 && (typed->p[typed->n - 1] & 0xc0) == 0x80)
		typed->n--;
	if (typed->n > 0)
		typed->n--;
}

/* The line discipline's own editing would cut what is longer than 4095 bytes, and a pasted token is. */
static int type_line(int tty, const struct termios *keys, struct buf *typed, struct err *err)
{
	for (;;) {
		uint8_t c;
		ssize_t n = read(tty, &c, 1);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return ERR(err, ERR_IO, "cannot read from the terminal: %s", strerror(errno));
		if (n == 0 || c == keys->c_cc[VINTR] || (c == keys->c_cc[VEOF] && typed->n == 0))
			return ERR(err, ERR_CANCELLED, "nothing was typed");
		if (c == '\n')
			return 0;
		if (c == keys->c_cc[VERASE] || c == 0x7f || c == '\b')
			drop_character(typed);
		else if (c == keys->c_cc[VKILL])
			buf_reset(typed);
		else if (c < 0x20)
			return ERR(err, ERR_PARAM, "a control character was typed");
		else
			buf_u8(typed, c);
		if (!buf_ok(typed))
			return ERR(err, ERR_RANGE, "more than %zu bytes were typed", INPUT_MAX);
	}
}

static int ask_once(int tty, const char *prompt, struct buf *typed, struct err *err)
{
	struct termios before, quiet;
	int rc;

	if (tcgetattr(tty, &before) != 0)
		return ERR(err, ERR_IO, "cannot ask on the terminal: %s", strerror(errno));
	quiet = before;
	/* Without ISIG an interrupt arrives as a byte, and cannot leave the terminal mute. */
	quiet.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG);
	quiet.c_iflag |= ICRNL;
	quiet.c_cc[VMIN] = 1;
	quiet.c_cc[VTIME] = 0;
	/* First, so that nothing typed behind the prompt is seen or lost. */
	if (tcsetattr(tty, TCSAFLUSH, &quiet) != 0)
		return ERR(err, ERR_IO, "cannot turn off the terminal's echo: %s", strerror(errno));
	show(tty, prompt);
	rc = type_line(tty, &before, typed, err);
	/* Nothing that could be done about a failure here would help. */
	(void)tcsetattr(tty, TCSAFLUSH, &before);
	show(tty, "\n");
	return rc;
}

int input_ask(struct input *in, struct arena *a, const char *what, bool twice, struct bytes *ret, struct err *err)
{
	SCOPED(buf) struct buf typed = BUF_SECRET(INPUT_MAX);
	SCOPED(buf) struct buf again = BUF_SECRET(INPUT_MAX);
	SCOPED(fd) int tty = in->tty ? open(in->tty, O_RDWR | O_CLOEXEC | O_NOCTTY) : -1;

	if (tty < 0)
		return ERR(err, ERR_PARAM, "there is no terminal to ask for %s", what);
	if (ask_once(tty, arena_printf(a, "%s: ", what), &typed, err) != 0)
		return -1;
	if (!utf8_valid(buf_bytes(&typed)))
		return ERR(err, ERR_PARAM, "what was typed is not UTF-8");
	if (twice && typed.n > 0) {
		if (ask_once(tty, arena_printf(a, "%s, once more: ", what), &again, err) != 0)
			return -1;
		if (typed.n != again.n || !ct_equal(typed.p, again.p, typed.n))
			return ERR(err, ERR_PARAM, "the two did not match");
	}
	*ret = arena_bytes(a, buf_bytes(&typed));
	return 0;
}
