-- wrk: each thread has a destination of its own. The first comes by LOAD_HOST.
local next_host = tonumber(os.getenv("LOAD_HOST"))

function setup(thread)
    thread.addr = wrk.lookup("127.0.1." .. next_host, wrk.port)[1]
    next_host = next_host + 1
end
