/* SPDX-License-Identifier: Apache-2.0
 * The picture of a trend, by cairo: the line of means over the band between lowest and highest, limits dashed, the alarm's
 * moment marked, axes in the reader's time zone and units. Its words are numbers only, so that any font will do. Mail
 * programs show one picture on white and on dark: it has no background, and its colours stand out on both alike; its
 * letters are large and bold, since such colours cannot stand out more, and since a phone shows it at half the size. */
#include <cairo.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "services/email/content/trend.h"
#include "station/base/must.h"

enum { SCALE = 2, RIGHT = 12, TOP = 32, BOTTOM = 58, TICKS = 4, GAP = 8 };
#define FONT_SIZE 19.0 /* 14 points: large text (WCAG 2.2, 1.4.3) */
/* Each four times as light or dark as white and as #1e1e1e, by luminance. */
enum { GREY = 0x7d7d7d, BLUE = 0x2f7eda, RED = 0xe83b30, GREEN = 0x159338 };
#define FAINT 0.4
#define HOUR_US (3600 * SECOND_US)

/* Where values and times lie on the picture. */
struct frame {
	cairo_t *cr;
	const struct trend *t;
	double left;            /* of the area */
	double low, high, step; /* of the value axis; ticks every step */
	int decimals;
};

static void colour(cairo_t *cr, unsigned rgb, double alpha)
{
	cairo_set_source_rgba(cr, (rgb >> 16 & 0xff) / 255.0, (rgb >> 8 & 0xff) / 255.0, (rgb & 0xff) / 255.0, alpha);
}

static double x_of(const struct frame *f, int64_t at)
{
	double part = (double)(at - f->t->start) / (double)(f->t->end - f->t->start);
	return f->left + part * (TREND_WIDTH - f->left - RIGHT);
}

static double y_of(const struct frame *f, double value)
{
	double part = (value - f->low) / (f->high - f->low);
	return TREND_HEIGHT - BOTTOM - part * (TREND_HEIGHT - TOP - BOTTOM);
}

static void widen(struct frame *f, double value)
{
	if (!isfinite(value))
		return;
	f->low = fmin(f->low, value);
	f->high = fmax(f->high, value);
}

/* 1, 2 or 5 times a power of ten. */
static double round_step(double rough)
{
	double power = pow(10, floor(log10(rough))), part = rough / power;
	return (part <= 1 ? 1 : part <= 2 ? 2 : part <= 5 ? 5 : 10) * power;
}

static void choose_scale(struct frame *f)
{
	f->low = INFINITY;
	f->high = -INFINITY;
	for (size_t i = 0; i < f->t->count; i++) {
		widen(f, f->t->points[i].low);
		widen(f, f->t->points[i].high);
	}
	widen(f, f->t->high_limit);
	widen(f, f->t->low_limit);
	double span = f->high - f->low, least = fmax(fabs(f->high), 1) * 1e-6;
	if (!(span > least)) {
		double half = fmax(fabs(f->high) * 0.05, 0.5);
		f->low -= half;
		f->high += half;
		span = 2 * half;
	}
	f->low -= span * 0.06;
	f->high += span * 0.06;
	f->step = round_step((f->high - f->low) / TICKS);
	f->decimals = f->step < 1 ? (int)fmin(9, ceil(-log10(f->step) - 1e-9)) : 0;
}

static double width_of(cairo_t *cr, const char *text)
{
	cairo_text_extents_t extents;
	cairo_text_extents(cr, text, &extents);
	return extents.x_advance;
}

static void write_text(cairo_t *cr, const char *text, double x, double y, double align)
{
	cairo_move_to(cr, x - align * width_of(cr, text), y);
	cairo_show_text(cr, text);
}

static void line(cairo_t *cr, double x1, double y1, double x2, double y2)
{
	cairo_move_to(cr, x1, y1);
	cairo_line_to(cr, x2, y2);
	cairo_stroke(cr);
}

static int value_ticks(const struct frame *f)
{
	return (int)(f->high / f->step - ceil(f->low / f->step)) + 1;
}

/* The value at a tick, and as text; owned. */
static char *value_tick(const struct frame *f, int i, double *value)
{
	*value = (ceil(f->low / f->step) + i) * f->step;
	return language_number(f->t->language, fabs(*value) < f->step / 2 ? 0 : *value, f->decimals);
}

/* The area begins beside the longest value. */
static void make_room(struct frame *f)
{
	double widest = f->t->unit ? width_of(f->cr, f->t->unit) : 0, value;
	for (int i = 0; i < value_ticks(f); i++) {
		char *text = value_tick(f, i, &value);
		widest = fmax(widest, width_of(f->cr, text));
		free(text);
	}
	f->left = fmin(widest + GAP, TREND_WIDTH / 2.0);
}

static void draw_values(const struct frame *f)
{
	double value;
	cairo_set_line_width(f->cr, 1);
	for (int i = 0; i < value_ticks(f); i++) {
		char *text = value_tick(f, i, &value);
		double y = y_of(f, value);
		colour(f->cr, GREY, FAINT);
		line(f->cr, f->left, y, TREND_WIDTH - RIGHT, y);
		colour(f->cr, GREY, 1);
		write_text(f->cr, text, f->left - GAP, y + FONT_SIZE / 3, 1);
		free(text);
	}
	if (f->t->unit)
		write_text(f->cr, f->t->unit, f->left - GAP, TOP - FONT_SIZE / 2, 1);
}

static int64_t hours_between_ticks(const struct trend *t)
{
	static const int64_t hours[] = { 1, 2, 3, 4, 6, 12, 24, 48, 168 };
	for (size_t i = 0; i < ARRAY_SIZE(hours); i++)
		if ((t->end - t->start) / (hours[i] * HOUR_US) <= 6)
			return hours[i];
	return 720;
}

/* In that line below the area, as near to x as it fits. */
static void write_below(const struct frame *f, const char *text, double x, int line_number)
{
	double half = width_of(f->cr, text) / 2;
	write_text(f->cr, text, fmin(fmax(x, half), TREND_WIDTH - half),
	           TREND_HEIGHT - BOTTOM + line_number * FONT_SIZE * 1.3, 0.5);
}

/* A date below its first tick, unless it would run into the next day's. */
static void draw_date(const struct frame *f, double x, int64_t local)
{
	int64_t midnight = zone_instant(f->t->zone, (day_containing(local) + 1) * DAY_SECONDS) * SECOND_US;
	char *date = language_date(f->t->language, "%Y-%m-%d", local);
	if (midnight > f->t->end || x_of(f, midnight) - x > width_of(f->cr, date) + FONT_SIZE)
		write_below(f, date, x, 2);
	free(date);
}

/* Ticks on whole hours of the reader's clock; the date below the first and below each midnight. */
static void draw_times(const struct frame *f)
{
	const struct trend *t = f->t;
	int64_t step = hours_between_ticks(t) * 3600, last_day = INT64_MIN;
	int64_t local = zone_local(t->zone, t->start / SECOND_US);
	for (local += step - 1, local -= local % step;; local += step) {
		int64_t at = zone_instant(t->zone, local) * SECOND_US, day = day_containing(local);
		if (at > t->end)
			break;
		double x = x_of(f, at);
		colour(f->cr, GREY, FAINT);
		line(f->cr, x, TOP, x, TREND_HEIGHT - BOTTOM);
		colour(f->cr, GREY, 1);
		char *time = language_date(t->language, "%H:%M", local);
		write_below(f, time, x, 1);
		if (day != last_day)
			draw_date(f, x, local);
		last_day = day;
		free(time);
	}
}

static void draw_band(const struct frame *f)
{
	const struct trend *t = f->t;
	for (size_t i = 0; i < t->count; i++)
		cairo_line_to(f->cr, x_of(f, t->points[i].at), y_of(f, t->points[i].high));
	for (size_t i = t->count; i-- > 0;)
		cairo_line_to(f->cr, x_of(f, t->points[i].at), y_of(f, t->points[i].low));
	cairo_close_path(f->cr);
	colour(f->cr, BLUE, 0.25);
	cairo_fill(f->cr);
}

static void draw_means(const struct frame *f)
{
	const struct trend *t = f->t;
	cairo_set_line_width(f->cr, 3);
	cairo_set_line_join(f->cr, CAIRO_LINE_JOIN_ROUND);
	for (size_t i = 0; i < t->count; i++) {
		double x = x_of(f, t->points[i].at), y = y_of(f, t->points[i].mean);
		if (t->steps && i)
			cairo_line_to(f->cr, x, y_of(f, t->points[i - 1].mean));
		cairo_line_to(f->cr, x, y);
	}
	colour(f->cr, BLUE, 1);
	cairo_stroke(f->cr);
}

static void draw_limit(const struct frame *f, double limit)
{
	static const double dashes[] = { 6, 4 };
	if (!isfinite(limit))
		return;
	cairo_save(f->cr);
	cairo_set_dash(f->cr, dashes, 2, 0);
	cairo_set_line_width(f->cr, 2);
	colour(f->cr, RED, 1);
	line(f->cr, f->left, y_of(f, limit), TREND_WIDTH - RIGHT, y_of(f, limit));
	cairo_restore(f->cr);
}

/* A moment: a line with a triangle on top. */
static void draw_mark(const struct frame *f, int64_t at, unsigned rgb)
{
	if (at == ABSTIME_NULL || at < f->t->start || at > f->t->end)
		return;
	double x = x_of(f, at);
	cairo_set_line_width(f->cr, 2);
	colour(f->cr, rgb, 1);
	line(f->cr, x, TOP, x, TREND_HEIGHT - BOTTOM);
	cairo_move_to(f->cr, x - 8, TOP - 14);
	cairo_line_to(f->cr, x + 8, TOP - 14);
	cairo_line_to(f->cr, x, TOP);
	cairo_close_path(f->cr);
	cairo_fill(f->cr);
}

static void draw(cairo_t *cr, const struct trend *t)
{
	struct frame f = { .cr = cr, .t = t };
	choose_scale(&f);
	cairo_select_font_face(cr, "sans-serif", CAIRO_FONT_SLANT_NORMAL, CAIRO_FONT_WEIGHT_BOLD);
	cairo_set_font_size(cr, FONT_SIZE);
	make_room(&f);
	draw_values(&f);
	draw_times(&f);
	draw_limit(&f, t->high_limit);
	draw_limit(&f, t->low_limit);
	if (!t->steps)
		draw_band(&f);
	draw_means(&f);
	draw_mark(&f, t->normal, GREEN);
	draw_mark(&f, t->alarm, RED);
}

/* What cairo writes gathers here. */
struct png {
	unsigned char *bytes; /* owned */
	size_t size;
};

static cairo_status_t gather(void *closure, const unsigned char *data, unsigned length)
{
	struct png *png = closure;
	png->bytes = must_realloc(png->bytes, png->size + length);
	memcpy(png->bytes + png->size, data, length);
	png->size += length;
	return CAIRO_STATUS_SUCCESS;
}

unsigned char *trend_picture(const struct trend *t, size_t *size)
{
	struct png png = { 0 };
	if (t->count < 2 || t->end <= t->start)
		return NULL;
	cairo_surface_t *surface =
	    cairo_image_surface_create(CAIRO_FORMAT_ARGB32, TREND_WIDTH * SCALE, TREND_HEIGHT * SCALE);
	cairo_t *cr = cairo_create(surface);
	cairo_scale(cr, SCALE, SCALE);
	draw(cr, t);
	bool drawn = cairo_status(cr) == CAIRO_STATUS_SUCCESS;
	cairo_destroy(cr);
	if (drawn && cairo_surface_write_to_png_stream(surface, gather, &png) != CAIRO_STATUS_SUCCESS) {
		free(png.bytes);
		png = (struct png){ 0 };
	}
	cairo_surface_destroy(surface);
	*size = png.size;
	return png.bytes;
}
