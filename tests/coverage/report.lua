--- report: which lines of engine/ ran, and which branches of the gate, the budget and the store.
--- usage: nlsql lua tests/coverage/report.lua BUILD-FOLDER     (after the suite; see ./dev coverage)
---
--- A branch that no test takes is listed, unless a comment that begins "not taken:" and gives the
--- reason stands on its line or alone on the line above: then it counts as reviewed, and is printed
--- with its reason. Exits with 1 where lines are below LEAST, or a branch is neither taken nor
--- reviewed.

local json = require "nlsql.json"
local proc = require "nlsql.proc"

local LEAST = 90 -- per cent of the lines of engine/
local EVERY_BRANCH = { "^engine/sql/gate", "^engine/io/store" }

local build = arg[1] or error("usage: nlsql lua tests/coverage/report.lua BUILD-FOLDER")

local function run(argv)
  local status, output = proc.run { argv = argv, max_output = 256 << 20 }
  if status ~= 0 then error(("%s failed (%d): %s"):format(argv[1], status, output:sub(1, 500))) end
  return output
end

--- The notes of the engine's files: "…/engine/io/loop.c.gcno".
local function notes()
  local list = {}
  local found = run { "find", build .. "/CMakeFiles/nlsql_engine.dir", build .. "/CMakeFiles/nlsql.dir",
    "-name", "*.gcno" }
  for path in found:gmatch("[^\n]+") do list[#list + 1] = path end
  table.sort(list)
  return list
end

--- What gcov says of one file of notes, as a table.
local function counts(path)
  local output = run { "gcov", "--stdout", "--json-format", "--branch-probabilities", path }
  return assert(json.decode(output:match("{.*}")))
end

--- "/x/engine/io/loop.c" and "../../engine/io/loop.c" are engine/io/loop.c.
local function place_of(file)
  return file:match("(engine/%a+/[%w_]+%.c)$")
end

--- Adds the counts of one source, which several programs may have in them.
local function add(sources, name, file)
  local source = sources[name] or { lines = {} }
  sources[name] = source
  for _, line in ipairs(file.lines) do
    local at = source.lines[line.line_number] or { count = 0, branches = {} }
    source.lines[line.line_number] = at
    at.count = at.count + line.count
    for i, branch in ipairs(line.branches) do
      at.branches[i] = (at.branches[i] or 0) + branch.count
    end
  end
end

local function collect()
  local sources = {}
  for _, path in ipairs(notes()) do
    for _, file in ipairs(counts(path).files) do
      local name = place_of(file.file)
      if name then add(sources, name, file) end
    end
  end
  return sources
end

local function sorted(t)
  local keys = {}
  for key in pairs(t) do keys[#keys + 1] = key end
  table.sort(keys)
  return keys
end

local function text_of(name)
  local text = {}
  for line in io.lines(name) do text[#text + 1] = line end
  return text
end

--- The reason why branches of line `n` are not taken; nil where none is given.
local function reviewed(text, n)
  local here = text[n]:match("/%* not taken: (.-) %*/")
  if here then return here end
  return n > 1 and text[n - 1]:match("^%s*/%* not taken: (.-) %*/%s*$") or nil
end

local function is_wanted(name)
  for _, pattern in ipairs(EVERY_BRANCH) do
    if name:find(pattern) then return true end
  end
  return false
end

local function share(part, all) return all > 0 and 100 * part / all or 100 end

--- Prints lines by file; returns the share of all.
local function report_lines(sources)
  local ran, all = 0, 0
  print("share of the lines of engine/ that ran")
  for _, name in ipairs(sorted(sources)) do
    local here, lines, missed = 0, 0, {}
    for _, n in ipairs(sorted(sources[name].lines)) do
      lines = lines + 1
      if sources[name].lines[n].count > 0 then here = here + 1 else missed[#missed + 1] = n end
    end
    ran, all = ran + here, all + lines
    local few = #missed > 0 and share(here, lines) < LEAST and "  not: " .. table.concat(missed, " ") or ""
    print(("%6.1f%%  %5d  %s%s"):format(share(here, lines), lines, name, few))
  end
  print(("%6.1f%%  %5d  all"):format(share(ran, all), all))
  return share(ran, all)
end

--- Prints the branches that are not taken; returns how many of them nobody has reviewed.
local function report_branches(sources)
  local taken, known, open, reasons = 0, 0, 0, {}
  print("\nbranches of the gate, the budget and the store that no test takes")
  for _, name in ipairs(sorted(sources)) do
    local text = is_wanted(name) and text_of(name) or nil
    for _, n in ipairs(text and sorted(sources[name].lines) or {}) do
      local missed, branches = 0, sources[name].lines[n].branches
      for _, count in ipairs(branches) do
        if count > 0 then taken = taken + 1 else missed = missed + 1 end
      end
      local why = missed > 0 and reviewed(text, n)
      if why then
        known = known + missed
        reasons[#reasons + 1] = ("  %s:%d: %d: %s"):format(name, n, missed, why)
      elseif missed > 0 then
        open = open + missed
        print(("  %s:%d: %d of %d: %s"):format(name, n, missed, #branches, text[n]:match("^%s*(.-)%s*$")))
      end
    end
  end
  print(("%d taken, %d reviewed, %d neither (%.1f%% taken)"):format(taken, known, open,
    share(taken, taken + known + open)))
  if #reasons > 0 then print("reviewed:\n" .. table.concat(reasons, "\n")) end
  return open
end

local sources = collect()
if not next(sources) then error("no counts in " .. build .. ": has the suite run?") end
local lines = report_lines(sources)
local open = report_branches(sources)
if lines < LEAST then print(("too few lines: %.1f%% of %d%%"):format(lines, LEAST)) end
if open > 0 then print(("%d branches are neither taken nor reviewed"):format(open)) end
return (lines >= LEAST and open == 0) and 0 or 1
