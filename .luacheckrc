std = "lua54"
max_line_length = 128
files["tests/lua"] = { std = "lua54+busted", max_line_length = 170 }
-- Declarations only: their functions are empty, and a parameter may be called as its module is.
files["scripts/nlsql.d"] = { ignore = { "212", "241", "431" } }
