--- check: nlsql check FILE: sends each line's query through the gates, and tells the verdicts in order.

local console = require "nlsql.console"
local gates = require "nlsql.gates"
local guard = require "nlsql.guard"
local jobs = require "nlsql.jobs"
local json = require "nlsql.json"
local proc = require "nlsql.proc"
local queryline = require "nlsql.queryline"
local written = require "nlsql.written"

local check = {}

--- Longer lines are not read: no pair needs so much, and many are under way at once.
local MOST_LINE = 4 << 20
local BOM = "\xEF\xBB\xBF"

--- Lines that are known before one that is still waited for, for each that is under way.
local AHEAD = 4

local KEYS = { keys = { "line", "ok", "gate", "reason", "layer", "detail", "sqlstate", "rows", "sql" } }

---@class nlsql.CheckedLine
---@field line integer
---@field ok boolean
---@field gate string?     where it fell: a gate's name; "read" where the line holds no query
---@field reason string?
---@field layer string?    see gates.layer
---@field detail string?
---@field sqlstate string?
---@field rows integer?    of the result, up to the cap
---@field sql string?
---@field lost boolean?    the database could not be asked
---@field doubtful boolean?  it finds nothing, and the values that it looks for may be stand-ins

--- A query of nobody's that finds nothing although it looks for something: its values may be stand-ins.
local function is_doubtful(verdict)
  return verdict.gate == "answer" and verdict.facts ~= nil and #(verdict.facts.literals or {}) > 0
end

--- Gates whose verdict hangs on the values in the query.
local BY_VALUES = { explain = true, execute = true, answer = true }

--- The verdict, and whose context it was come by in where a run wrote the query with stand-ins.
local function judge(ctx, candidate)
  local own = ctx.written and ctx.written:context(candidate.sql)
  local verdict = gates.check(own or ctx, {}, candidate)
  local tables = own and BY_VALUES[verdict.gate] and not verdict.lost and verdict.facts and verdict.facts.tables
  if tables and ctx.written:learn(own, tables) then verdict = gates.check(own, {}, candidate) end
  return own, verdict
end

--- What the gates say of one line. One that a run wrote with stand-ins (`ctx.written` knows) is judged as that run
--- judged it, with the values behind them, of which nothing is told.
---@param ctx { schema: nlsql.Catalog, settings: table, db: nlsql.Db, written: nlsql.Written? }
---@param number integer
---@param line string
---@param field string?
---@return nlsql.CheckedLine
function check.line(ctx, number, line, field)
  if #line > MOST_LINE then
    return { line = number, ok = false, gate = "read", reason = ("the line has more than %d bytes"):format(MOST_LINE) }
  end
  if number == 1 and line:sub(1, 3) == BOM then line = line:sub(4) end
  local query, question = queryline.read(line, field)
  if not query then return { line = number, ok = false, gate = "read", reason = question } end
  local own, verdict = judge(ctx, { question = question, sql = query })
  local probe = verdict.probe or {}
  return {
    line = number, ok = verdict.ok, gate = verdict.gate, reason = verdict.reason, layer = gates.layer(verdict),
    detail = verdict.detail, sqlstate = probe.sqlstate, rows = verdict.ok and probe.n_rows or nil,
    sql = own and guard.mask(own, query) or query, lost = verdict.lost, doubtful = not own and is_doubtful(verdict),
  }
end

local function one_line(text) return (text:gsub("%c+", " ")) end

local function show(one, as_json)
  if as_json then
    one.gate, one.reason, one.lost, one.doubtful = one.gate or json.null, one.reason or json.null, nil, nil
    local text = json.encode(one, KEYS)
    if not text then -- a query that is not UTF-8
      one.sql = nil
      text = assert(json.encode(one, KEYS))
    end
    console.out(text, "\n")
  elseif one.ok then
    console.out(("%d: ok\n"):format(one.line))
  else
    console.out(("%d: %s: %s\n"):format(one.line, one.gate, one_line(one.reason)))
  end
end

--- The lines of a file, or of standard input for "-", as `next() → line`: nil at the end; nil and a sentence
--- where they cannot be read. A program of its own reads, so that nobody waits for a slow pipe; it cuts what is
--- longer than we look at.
local function lines_of(path)
  local reader, why = proc.start { argv = { "cut", "-b", "1-" .. MOST_LINE + 1 }, env = { LC_ALL = "C" },
    stdin = path == "-" and "/dev/stdin" or path, stderr = "null" }
  if not reader then return nil, why end
  return function()
    local line, message, code = reader:read_line()
    if line then return line end
    if code ~= "not_found" then return nil, message end
    local status = reader:wait()
    if status ~= 0 then return nil, ("cannot read %s"):format(path) end
    return nil
  end
end

--- An array over the whole file is what other tools write too; it is not read line by line.
local function begins_array(line) return line:gsub("^" .. BOM, ""):find("^%s*%[") ~= nil end

local Check = {}
Check.__index = Check

--- Prints what is next in order, as far as it is known.
function Check:print()
  local one = self.known[self.printed + 1]
  while one and not self.lost do
    self.known[one.line] = nil
    if one.lost then
      self.lost = one
      return
    end
    self.printed = one.line
    if one.ok then
      self.ok = self.ok + 1
    else
      self.fell[one.gate] = (self.fell[one.gate] or 0) + 1
      self.doubtful = self.doubtful + (one.doubtful and 1 or 0)
    end
    show(one, self.as_json)
    self.room:release()
    one = self.known[self.printed + 1]
  end
end

--- Says how many passed and where the others fell; gives the number of those.
---@return integer
function Check:count()
  local parts, fell = {}, 0
  for _, gate in ipairs(gates.ORDER) do
    local n = self.fell[gate]
    if n then
      parts[#parts + 1] = ("%s %d"):format(gate, n)
      fell = fell + n
    end
  end
  console.info(("%s: %d lines, %d ok, %d fell%s"):format(self.path, self.printed, self.ok, fell,
    fell > 0 and (" (%s)"):format(table.concat(parts, ", ")) or ""))
  local why = self.doubtful > 0 and self.ctx.written:doubt()
  if why then
    console.info(("%d of them look for values and find no rows; if these are stand-ins: %s"):format(self.doubtful, why))
  end
  return fell
end

--- The next line with its number; nil at the end, or where there is no more to be done.
function Check:next()
  self.room:acquire()
  if self.over or self.lost or jobs.stopping() > 0 then return nil end
  local line, why = self.next_line()
  if not line then
    self.over, self.fault = true, why
    return nil
  end
  self.number = self.number + 1
  if self.number == 1 and begins_array(line) then
    self.over, self.fault = true, ("%s is a JSON array, and not one object a line: jq -c '.[]' %s makes lines of it")
      :format(self.path, self.path)
    return nil
  end
  return line, self.number
end

--- Checks one line after the other; several of these run at once, and one of them reads at a time.
function Check:work()
  while true do
    self.reading:acquire()
    local line, number = self:next()
    self.reading:release()
    if not line then
      self.room:release() -- the next one has to see that there is no more
      return
    end
    self.known[number] = check.line(self.ctx, number, line, self.field)
    self:print()
    if self.lost then self.room:release() end
  end
end

--- Checks every line of flags.file. Returns the exit code: 7 where any fell, 4 where the database was lost.
---@param flags table  file, json, field
---@param ctx { schema: nlsql.Catalog, settings: table, db: nlsql.Db, written: nlsql.Written? }
---@return integer
function check.run(flags, ctx)
  local workers, list = math.max(1, ctx.settings.db_concurrent_sessions) * 2, {}
  local next_line, why = lines_of(flags.file)
  ctx.written = next_line and written.open(ctx, flags.file)
  local self = setmetatable({ ctx = ctx, path = flags.file, as_json = flags.json, field = flags.field, next_line = next_line,
    fault = why, number = 0, known = {}, printed = 0, ok = 0, fell = {}, doubtful = 0, room = jobs.semaphore(workers * AHEAD),
    reading = jobs.semaphore(1) }, Check)
  for i = 1, next_line and workers or 0 do list[i] = function() self:work() end end
  jobs.all(list)
  if self.fault then
    console.error(self.fault)
    if self.printed > 0 then self:count() end
    return 1
  end
  local fell = self:count()
  if self.lost then
    console.error(("line %d: %s"):format(self.lost.line, self.lost.reason))
    return 4
  end
  if jobs.stopping() > 0 then return 130 end
  return fell > 0 and 7 or 0
end

return check
