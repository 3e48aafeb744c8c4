# Belfry. `make run` starts the station with a demo building; `make check` runs every test. Both install what they need.
MODE ?= debug
OUT := build/$(MODE)
PACKAGES := libmicrohttpd gnutls sqlite3 jansson libgpiod libuv gmime-3.0 libsodium

CC ?= gcc
WARN := -Wall -Wextra -Wshadow -Wconversion -Werror -Wno-override-init
FLAGS_debug := -Og -g
FLAGS_release := -O2 -g -DNDEBUG -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fPIE
FLAGS_asan := -Og -g -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FLAGS_tsan := -Og -g -fsanitize=thread
CFLAGS = -std=gnu11 $(WARN) $(FLAGS_$(MODE)) -I. -D_GNU_SOURCE -pthread $(shell pkg-config --cflags $(PACKAGES))
LDLIBS = $(shell pkg-config --libs $(PACKAGES)) -lm
LDFLAGS_release := -pie -Wl,-z,relro,-z,now

SOURCES := $(sort $(wildcard station/*.c station/*/*.c services/*/*.c services/*/*/*.c drivers/*.c drivers/*/*.c db/*/*.c web/*.c))
OBJECTS := $(filter-out $(OUT)/station/main.o,$(SOURCES:%.c=$(OUT)/%.o))
UNIT := $(patsubst tests/unit/%.c,$(OUT)/unit/%,$(wildcard tests/unit/*_test.c))

.PHONY: all unit clean
all: $(OUT)/belfry build/belfry

build/belfry: $(OUT)/belfry
	@ln -sf $(MODE)/belfry $@

$(OUT)/belfry: $(OUT)/station/main.o $(OUT)/libbelfry.a
	$(CC) $(CFLAGS) $(LDFLAGS_$(MODE)) -o $@ $^ $(LDLIBS)

$(OUT)/libbelfry.a: $(OBJECTS)
	@rm -f $@; ar rcs $@ $^

$(OUT)/%.o: %.c
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -MMD -MP -c -o $@ $<

$(OUT)/unit/%: tests/unit/%.c $(OUT)/libbelfry.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -MMD -MP -o $@ $< $(OUT)/libbelfry.a $(LDLIBS) -lcmocka

unit: $(UNIT)
	@for t in $(UNIT); do $$t || exit 1; done

clean:
	rm -rf build

-include $(wildcard $(OBJECTS:.o=.d) $(OUT)/station/main.d)
