"""The sentences of the API page, in both languages."""

API_ENGLISH = {
    "api": "API",
    "api_title": "API",
    "api_lead": "Every operation with a command to copy. For programs:",
    "api_scope": "Once keys exist, this needs one with the scope",
    "api_parameters": "Parameters",
    "api_path": "path",
    "api_query": "query",
    "api_command": "Command",
    "api_answers": "Responses",
}
API_CHINESE = {
    "api": "接口",
    "api_title": "接口文档",
    "api_lead": "全部接口及可复制的命令（说明为英文）。供程序读取的版本：",
    "api_scope": "创建密钥后，调用时需要具有以下权限的密钥：",
    "api_parameters": "参数",
    "api_path": "路径",
    "api_query": "查询参数",
    "api_command": "命令",
    "api_answers": "响应",
}
