// ICU's table of data, with nothing in it.
//
// Foundation brings ICU along with 34 MB of locales, calendars and collation rules. Nothing that Daypass runs asks for
// them: its own code uses FoundationEssentials, and of Foundation its packages use what needs no table (regular
// expressions take theirs from ICU's code). scripts/build-release gives the linker this in the place of the table. It is
// what ICU's own build calls stub data: https://unicode-org.github.io/icu/userguide/icu_data/buildtool.html
//
// NAME is the table's symbol as the linker's --wrap looks for it, __wrap_icudt76_dat for ICU 76.
#include <stdint.h>

struct header {
    uint16_t header_size;
    uint8_t magic[2];
    // UDataInfo of ICU's unicode/udata.h.
    uint16_t info_size, reserved_word;
    uint8_t is_big_endian, charset_family, size_of_uchar, reserved_byte;
    uint8_t data_format[4], format_version[4], data_version[4];
    uint8_t padding[8];
    // The table of contents: how many entries, and a first one that ends it.
    uint32_t count, end;
};

_Static_assert(sizeof(struct header) == 40, "32 bytes of header, as header_size says, and the table of contents");

__attribute__((aligned(16))) const struct header NAME = {
    .header_size = 32,
    .magic = {0xda, 0x27},
    .info_size = 20,
    .size_of_uchar = 2,
    .data_format = {'C', 'm', 'n', 'D'},
    .format_version = {1, 0, 0, 0},
};
