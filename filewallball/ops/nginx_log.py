"""The log lines that nginx writes for a request, with secrets hidden."""

ACCESS_LOGS = (
    "access_log /var/log/nginx/filewallball.log filewallball;",
    "access_log /var/log/nginx/filewallball-unanswered.log filewallball if=$filewallball_unanswered;",
)

LOG = """\
log_format filewallball escape=json
    '{"timestamp":"$time_iso8601","logger":"nginx","request_id":"req_$request_id","trace_id":"$filewallball_trace",'
    '"client_ip":"$remote_addr",'
    '"method":"$filewallball_method","path":"$filewallball_path","status_code":$filewallball_status,'
    '"response_time":$request_time,"bytes_received":$request_length,"bytes_sent":$bytes_sent,'
    '"upstream_status":"$upstream_status","upstream_time":"$upstream_response_time",'
    '"protocol":"$server_protocol","tls":"$ssl_protocol","user_agent":"$filewallball_agent"}';
# Bytes that are not ASCII would go into the log raw, and may be no UTF-8 at all.
map $http_user_agent $filewallball_agent {
    default $http_user_agent;
    "~[^\\x20-\\x7e]" "(not ASCII)";
    "~*(fwb(_|%5f)[A-Za-z0-9_%-]{8}|bearer[ +%])" "(hidden)";
}
# Without the query, which may hold what nobody should read later.
map $request_uri $filewallball_path {
    default $request_uri;
    "~[^\\x20-\\x7e]" "(not ASCII)";
    # A token in it, whichever of its letters are escaped, and however often.
    "~*^[^?]*((f|%(25)*66)(w|%(25)*77)(b|%(25)*62)(_|%(25)*5f)([\\w-]|%[0-9a-f]{2}){8}|bearer([ +]|%20))" "(hidden)";
    "~^(?<filewallball_bare>[^?]*)[?]" $filewallball_bare;
}
# The trace that the request belongs to; the service begins one of the digits of the request's id where there is none.
map $http_traceparent $filewallball_trace {
    default $request_id;
    "~^00-(?!0{32})(?<filewallball_trace00>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$" $filewallball_trace00;
    "~^(?!00|ff)[0-9a-f]{2}-(?!0{32})(?<filewallball_trace01>[0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(-|$)"
        $filewallball_trace01;
}
# That of the request line: $request_method is GET once an error has its page.
map $request $filewallball_method { default $request_method; "~^(?<filewallball_verb>[A-Z]+) " $filewallball_verb; }
# The port that the client named; $host is the name alone.
map $http_host $filewallball_port { default ""; "~(?<filewallball_named>:[0-9]{1,5})$" $filewallball_named; }
# A number where there was no answer.
map $status $filewallball_status { default $status; ~^0 0; }
# Requests that the service gave no answer to: once it is back it reads them, unless they are on its record.
map "$upstream_status/$upstream_header_time" $filewallball_unanswered { default 0; "~^50[24]/-?$" 1; }
"""
