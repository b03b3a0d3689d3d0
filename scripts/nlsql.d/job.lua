---@meta nlsql.job
--- nlsql.job: coroutines that wait for the loop (nlsql.jobs is made of these). For editors: never run; see ../nlsql.d.lua.

---@class nlsql.lib.job
local job = {}

--- Runs f(...) as a job of its own, a child of this one: it ends with its parent.
---@param f function
---@param ... any
---@return nlsql.Job
function job.spawn(f, ...) end

--- The job that calls.
---@return nlsql.Job
function job.current() end

--- Waits until somebody calls unpark on this job; one that came first counts.
function job.park() end

--- Waits.
---@param seconds number  0 to 1,000,000
function job.sleep(seconds) end

--- Monotonic seconds, as of the start of this turn of the loop.
---@return number
function job.now() end

--- 0; 1 where the user asked to stop (start nothing new); 2 where it is to be at once.
---@return integer
function job.stopping() end

--- Seconds since the engine was opened.
---@return number
function job.uptime() end

--- Runs f(...) as a guest's job: it and its children together take so much processor time only, a part
--- of the memory is not theirs, and after `seconds` (0: never) it is over. Not for phases.
---@param cpu_seconds number
---@param seconds number
---@param f function
---@param ... any
---@return nlsql.Job
function job.guest(cpu_seconds, seconds, f, ...) end

--- Runs f(...) as a child of that job, on its terms. Not for phases.
---@param parent nlsql.Job
---@param f function
---@param ... any
---@return nlsql.Job
function job.under(parent, f, ...) end

---@class nlsql.Job : userdata
local Job = {}

--- Waits until the job has ended. Gives true and what its function returned; false and the error, or
--- "cancelled".
---@return boolean ended
---@return any ...
function Job:wait() end

--- Ends it and its children; what it waited for is cancelled.
function Job:cancel() end

---@return "ready"|"running"|"parked"|"ended"|"failed"|"cancelled"
function Job:state() end

--- Lets it go on from job.park.
function Job:unpark() end

return job
