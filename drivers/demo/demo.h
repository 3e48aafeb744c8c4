/* SPDX-License-Identifier: Apache-2.0
 * The demo driver: points whose values follow a curve, so that a station without any wiring shows life.
 * Types for types.c, and the small building that `belfry run --demo` ships. Engine thread. */
#ifndef BELFRY_DEMO_H
#define BELFRY_DEMO_H

#include "station/station.h"

extern const struct type demo_network, demo_device, demo_proxy_ext;

enum waveform { WAVE_CONSTANT, WAVE_SINE, WAVE_SQUARE, WAVE_TRIANGLE, WAVE_SAWTOOTH, WAVE_EXCURSION };
struct curve {
	enum waveform waveform;
	double offset, amplitude, noise;
	double phase, duty; /* 0 to 1, of the period */
	int64_t period;     /* microseconds, above 0 */
};
/* The curve at t microseconds after the start; the same seed gives the same noise. Pure. */
double curve_at(const struct curve *c, int64_t t, uint64_t seed);

/* Adds the demo building below /Drivers, and an account and a recipient that put its alarms into a mail folder of the
 * data directory. For the first start of an empty tree, after the services are there. */
void demo_ship(struct station *s);

#endif
