/* What COMMAND tells of the group geo. */
#include "manual/manual_priv.h"

const struct cmd_docs geo_docs[] = {
    {
        .name = "geoadd", .since = "3.2.0",
        .summary = "Adds places to a geospatial index, or moves them.",
        .complexity = "O(log(N)) for each place, N the places in the index",
        .history = HISTORY({"6.2.0", "Takes CH, NX and XX."}),
        .keys = SPECS(AT(1, KEY_RW | KEY_UPDATE)),
        .args = ARGS(
            KEY("key"),
            ONEOF("condition", ARGS(TOKEN("nx", "NX"), TOKEN("xx", "XX")), OPT,
                .since = "6.2.0"),
            TOKEN("change", "CH", OPT, .since = "6.2.0"),
            BLOCK("data", ARGS(
                DOUBLE("longitude"), DOUBLE("latitude"), STRING("member")),
                MANY)),
    },
    {
        .name = "geodist", .since = "3.2.0",
        .summary = "Tells how far two places are from each other.",
        .complexity = "O(1)",
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            KEY("key"), STRING("member1"), STRING("member2"),
            ONEOF("unit", ARGS(
                TOKEN("m", "M"), TOKEN("km", "KM"), TOKEN("ft", "FT"),
                TOKEN("mi", "MI")), OPT)),
    },
    {
        .name = "geohash", .since = "3.2.0",
        .summary = "Answers with places as geohash text.",
        .complexity = "O(1) for each place",
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(KEY("key"), STRING("member", OPT_MANY)),
    },
    {
        .name = "geopos", .since = "3.2.0",
        .summary = "Answers with the longitude and latitude of places.",
        .complexity = "O(1) for each place",
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(KEY("key"), STRING("member", OPT_MANY)),
    },
    {
        .name = "georadius", .since = "3.2.0",
        .summary = "Finds, and may store, the places within a circle around a "
                   "point.",
        .complexity = "O(N+log(M)), N the places in the box around the "
                      "circle, M those in the index",
        .replaced_by = "`GEOSEARCH` and `GEOSEARCHSTORE`, `BYRADIUS`",
        .deprecated_since = "6.2.0",
        .history = HISTORY({"6.2.0", "Takes ANY after COUNT."},
            {"7.0.0", "Takes units in upper case."}),
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS),
            BEHIND("STORE", 6, 0, 0, KEY_OW | KEY_UPDATE),
            BEHIND("STOREDIST", 6, 0, 0, KEY_OW | KEY_UPDATE)),
        .args = ARGS(
            KEY("key"), DOUBLE("longitude"), DOUBLE("latitude"),
            DOUBLE("radius"),
            ONEOF("unit", ARGS(
                TOKEN("m", "M"), TOKEN("km", "KM"), TOKEN("ft", "FT"),
                TOKEN("mi", "MI"))),
            TOKEN("withcoord", "WITHCOORD", OPT),
            TOKEN("withdist", "WITHDIST", OPT),
            TOKEN("withhash", "WITHHASH", OPT),
            BLOCK("count-block", ARGS(
                INTEGER("count", .token = "COUNT"),
                TOKEN("any", "ANY", OPT, .since = "6.2.0")), OPT),
            ONEOF("order", ARGS(TOKEN("asc", "ASC"), TOKEN("desc", "DESC")),
                OPT),
            ONEOF("store", ARGS(
                KEY_OF(2, "storekey", .token = "STORE", .display_text = "key"),
                KEY_OF(3, "storedistkey", .token = "STOREDIST",
                    .display_text = "key")), OPT)),
    },
    {
        .name = "georadius_ro", .since = "3.2.10",
        .summary = "Finds the places within a circle around a point.",
        .complexity = "O(N+log(M)), N the places in the box around the "
                      "circle, M those in the index",
        .replaced_by = "`GEOSEARCH`, `BYRADIUS`",
        .deprecated_since = "6.2.0",
        .history = HISTORY({"6.2.0", "Takes ANY after COUNT."},
            {"7.0.0", "Takes units in upper case."}),
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            KEY("key"), DOUBLE("longitude"), DOUBLE("latitude"),
            DOUBLE("radius"),
            ONEOF("unit", ARGS(
                TOKEN("m", "M"), TOKEN("km", "KM"), TOKEN("ft", "FT"),
                TOKEN("mi", "MI"))),
            TOKEN("withcoord", "WITHCOORD", OPT),
            TOKEN("withdist", "WITHDIST", OPT),
            TOKEN("withhash", "WITHHASH", OPT),
            BLOCK("count-block", ARGS(
                INTEGER("count", .token = "COUNT"),
                TOKEN("any", "ANY", OPT, .since = "6.2.0")), OPT),
            ONEOF("order", ARGS(TOKEN("asc", "ASC"), TOKEN("desc", "DESC")),
                OPT)),
    },
    {
        .name = "georadiusbymember", .since = "3.2.0",
        .summary = "Finds, and may store, the places within a circle around a "
                   "place.",
        .complexity = "O(N+log(M)), N the places in the box around the "
                      "circle, M those in the index",
        .replaced_by = "`GEOSEARCH` and `GEOSEARCHSTORE`, `BYRADIUS` and "
                       "`FROMMEMBER`",
        .deprecated_since = "6.2.0",
        .history = HISTORY({"6.2.0", "Takes ANY after COUNT."},
            {"7.0.0", "Takes units in upper case."}),
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS),
            BEHIND("STORE", 5, 0, 0, KEY_OW | KEY_UPDATE),
            BEHIND("STOREDIST", 5, 0, 0, KEY_OW | KEY_UPDATE)),
        .args = ARGS(
            KEY("key"), STRING("member"), DOUBLE("radius"),
            ONEOF("unit", ARGS(
                TOKEN("m", "M"), TOKEN("km", "KM"), TOKEN("ft", "FT"),
                TOKEN("mi", "MI"))),
            TOKEN("withcoord", "WITHCOORD", OPT),
            TOKEN("withdist", "WITHDIST", OPT),
            TOKEN("withhash", "WITHHASH", OPT),
            BLOCK("count-block", ARGS(
                INTEGER("count", .token = "COUNT"), TOKEN("any", "ANY", OPT)),
                OPT),
            ONEOF("order", ARGS(TOKEN("asc", "ASC"), TOKEN("desc", "DESC")),
                OPT),
            ONEOF("store", ARGS(
                KEY_OF(2, "storekey", .token = "STORE", .display_text = "key"),
                KEY_OF(3, "storedistkey", .token = "STOREDIST",
                    .display_text = "key")), OPT)),
    },
    {
        .name = "georadiusbymember_ro", .since = "3.2.10",
        .summary = "Finds the places within a circle around a place.",
        .complexity = "O(N+log(M)), N the places in the box around the "
                      "circle, M those in the index",
        .replaced_by = "`GEOSEARCH`, `BYRADIUS` and `FROMMEMBER`",
        .deprecated_since = "6.2.0",
        .history = HISTORY({"6.2.0", "Takes ANY after COUNT."},
            {"7.0.0", "Takes units in upper case."}),
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            KEY("key"), STRING("member"), DOUBLE("radius"),
            ONEOF("unit", ARGS(
                TOKEN("m", "M"), TOKEN("km", "KM"), TOKEN("ft", "FT"),
                TOKEN("mi", "MI"))),
            TOKEN("withcoord", "WITHCOORD", OPT),
            TOKEN("withdist", "WITHDIST", OPT),
            TOKEN("withhash", "WITHHASH", OPT),
            BLOCK("count-block", ARGS(
                INTEGER("count", .token = "COUNT"), TOKEN("any", "ANY", OPT)),
                OPT),
            ONEOF("order", ARGS(TOKEN("asc", "ASC"), TOKEN("desc", "DESC")),
                OPT)),
    },
    {
        .name = "geosearch", .since = "6.2.0",
        .summary = "Finds the places within a circle or a box.",
        .complexity = "O(N+log(M)), N the places in the box around the shape, "
                      "M those within it",
        .history = HISTORY({"7.0.0", "Takes units in upper case."}),
        .keys = SPECS(AT(1, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            KEY("key"),
            ONEOF("from", ARGS(
                STRING("member", .token = "FROMMEMBER"),
                BLOCK("fromlonlat", ARGS(
                    DOUBLE("longitude"), DOUBLE("latitude")),
                    .token = "FROMLONLAT"))),
            ONEOF("by", ARGS(
                BLOCK("circle", ARGS(
                    DOUBLE("radius", .token = "BYRADIUS"),
                    ONEOF("unit", ARGS(
                        TOKEN("m", "M"), TOKEN("km", "KM"), TOKEN("ft", "FT"),
                        TOKEN("mi", "MI"))))),
                BLOCK("box", ARGS(
                    DOUBLE("width", .token = "BYBOX"), DOUBLE("height"),
                    ONEOF("unit", ARGS(
                        TOKEN("m", "M"), TOKEN("km", "KM"), TOKEN("ft", "FT"),
                        TOKEN("mi", "MI"))))))),
            ONEOF("order", ARGS(TOKEN("asc", "ASC"), TOKEN("desc", "DESC")),
                OPT),
            BLOCK("count-block", ARGS(
                INTEGER("count", .token = "COUNT"), TOKEN("any", "ANY", OPT)),
                OPT),
            TOKEN("withcoord", "WITHCOORD", OPT),
            TOKEN("withdist", "WITHDIST", OPT),
            TOKEN("withhash", "WITHHASH", OPT)),
    },
    {
        .name = "geosearchstore", .since = "6.2.0",
        .summary = "Stores the places within a circle or a box.",
        .complexity = "O(N+log(M)), N the places in the box around the shape, "
                      "M those within it",
        .history = HISTORY({"7.0.0", "Takes units in upper case."}),
        .keys = SPECS(AT(1, KEY_OW | KEY_UPDATE), AT(2, KEY_RO | KEY_ACCESS)),
        .args = ARGS(
            KEY("destination"), KEY_OF(2, "source"),
            ONEOF("from", ARGS(
                STRING("member", .token = "FROMMEMBER"),
                BLOCK("fromlonlat", ARGS(
                    DOUBLE("longitude"), DOUBLE("latitude")),
                    .token = "FROMLONLAT"))),
            ONEOF("by", ARGS(
                BLOCK("circle", ARGS(
                    DOUBLE("radius", .token = "BYRADIUS"),
                    ONEOF("unit", ARGS(
                        TOKEN("m", "M"), TOKEN("km", "KM"), TOKEN("ft", "FT"),
                        TOKEN("mi", "MI"))))),
                BLOCK("box", ARGS(
                    DOUBLE("width", .token = "BYBOX"), DOUBLE("height"),
                    ONEOF("unit", ARGS(
                        TOKEN("m", "M"), TOKEN("km", "KM"), TOKEN("ft", "FT"),
                        TOKEN("mi", "MI"))))))),
            ONEOF("order", ARGS(TOKEN("asc", "ASC"), TOKEN("desc", "DESC")),
                OPT),
            BLOCK("count-block", ARGS(
                INTEGER("count", .token = "COUNT"), TOKEN("any", "ANY", OPT)),
                OPT),
            TOKEN("storedist", "STOREDIST", OPT)),
    },
    {.name = NULL},
};
