<?php
// A shop in PHP behind a test hook: `php -S 127.0.0.1:8080 hook.php`, and then
// `cancel-conformance merchant --integration http://127.0.0.1:8080/hook --budget quick`.
// The shop is the code between the two lines; in your code the routes call what its controllers call.
declare(strict_types=1);

define('STORE', sys_get_temp_dir() . "/shop-in-php-{$_SERVER['SERVER_PORT']}.json");
$db = is_file(STORE) ? json_decode((string) file_get_contents(STORE), true) : [];

// ---- the shop ----------------------------------------------------------------------------------------------------

final class NotDone extends Exception {}

/** Send a request; status 0 means that no response came. */
function send(string $method, string $path, array $headers, ?array $body = null): array
{
    global $db;
    $curl = curl_init($db['setup']['base_url'] . $path);
    $lines = array_map(fn ($name, $value) => "$name: $value", array_keys($headers), $headers);
    curl_setopt_array($curl, [
        CURLOPT_CUSTOMREQUEST => $method, CURLOPT_RETURNTRANSFER => true, CURLOPT_FOLLOWLOCATION => false,
        CURLOPT_CONNECTTIMEOUT => 2, CURLOPT_TIMEOUT => 6, CURLOPT_FORBID_REUSE => true,
        CURLOPT_HTTPHEADER => $body === null ? $lines : [...$lines, 'Content-Type: application/json'],
    ]);
    if ($body !== null) {
        curl_setopt($curl, CURLOPT_POSTFIELDS, json_encode($body));
    }
    $wait = 0;
    curl_setopt($curl, CURLOPT_HEADERFUNCTION, function ($_, string $line) use (&$wait) {
        if (preg_match('/^retry-after:\s*(\d+)/i', $line, $found)) {
            $wait = (int) $found[1];
        }
        return strlen($line);
    });
    $text = curl_exec($curl);
    $json = is_string($text) ? json_decode($text, true) : null;
    return [$text === false ? 0 : curl_getinfo($curl, CURLINFO_RESPONSE_CODE), $json, $wait];
}

function call(string $method, string $path, ?array $body = null, string $key = ''): array
{
    global $db;
    $setup = $db['setup'];
    $same = ['Ocp-Apim-Subscription-Key' => $setup['subscription_key'], 'Merchant-Serial-Number' => $setup['msn']];
    for ($try = 0; $try < 2; $try++) {
        if (empty($db['token'])) {
            $own = ['client_id' => $setup['client_id'], 'client_secret' => $setup['client_secret']];
            [$status, $json] = send('POST', '/accesstoken/get', $same + $own);
            if ($status !== 200 || !isset($json['access_token'])) {
                throw new NotDone('no token');
            }
            $db['token'] = $json['access_token'];
        }
        $headers = $same + ['Authorization' => "Bearer {$db['token']}", 'Vipps-System-Name' => 'shop-in-php'];
        $answer = send($method, "/epayment/v1/payments$path", $key === '' ? $headers : $headers + ['Idempotency-Key' => $key], $body);
        if ($answer[0] !== 401) {
            break;
        }
        $db['token'] = '';
    }
    return $answer;
}

/** Write what a read showed into the books; the sums decide, not the state alone. */
function learn(array &$row, int $status, mixed $json): bool
{
    if ($status !== 200 || !isset($json['state'], $json['aggregate']['authorizedAmount']['value'])) {
        return false;
    }
    [$authorized, $captured, $cancelled] = array_map(
        fn ($name) => $json['aggregate']["{$name}Amount"]['value'], ['authorized', 'captured', 'cancelled'],
    );
    $ended = in_array($json['state'], ['ABORTED', 'EXPIRED', 'TERMINATED'], true);
    if (!$ended && !in_array($json['state'], ['CREATED', 'AUTHORIZED'], true)) {
        return false;
    }
    $row['over'] = $ended || ($authorized > 0 && $authorized === $captured + $cancelled);
    $row['captured'] = $captured;
    $row['rest'] = $authorized - $captured - $cancelled;
    $row['status'] = $captured > 0 ? 'captured' : ($row['over'] ? 'cancelled' : ($authorized > 0 ? 'authorized' : 'open'));
    return true;
}

function look(array &$row): bool
{
    [$status, $json] = call('GET', "/{$row['reference']}");
    return learn($row, $status, $json);
}

/** Send the cancel with the key of the first attempt, and find out what became of it. */
function settle(array &$row, float $now): void
{
    if (!look($row) || $row['over'] || !$row['wanted'] || $now < $row['not_before']) {
        return;
    }
    $row['key'] = $row['key'] ?: bin2hex(random_bytes(16));
    $row['not_before'] = $now + 30;
    save();
    [$status, $json, $wait] = call('POST', "/{$row['reference']}/cancel", null, $row['key']);
    $row['not_before'] = $now + max(30, $wait);
    if ($status >= 400 && $status < 500 && !in_array($status, [401, 408, 423, 429], true)) {
        $row['key'] = '';
    }
    learn($row, $status, $json) || look($row);
}

function save(): void
{
    global $db;
    file_put_contents(STORE, json_encode($db));
}

// ---- the test hook -----------------------------------------------------------------------------------------------

$ask = json_decode((string) file_get_contents('php://input'), true) ?? [];
$action = basename((string) parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH));
$answer = null;
try {
    if (isset($ask['order_id'])) {
        $row = &$db['orders'][$ask['order_id']];
    }
    $now = microtime(true) + ($db['ahead'] ?? 0);
    switch ($action) {
        case 'start':
            $db = ['setup' => $ask, 'orders' => [], 'token' => '', 'ahead' => 0];
            $answer = ['profiles' => ['epayment'], 'actions' => ['create', 'cancel', 'local_view', 'capture', 'tick', 'deliver']];
            break;
        case 'create':
            $order = $ask['order'];
            [$status] = call('POST', '', [
                'amount' => ['currency' => $order['currency'], 'value' => $order['amount']],
                'paymentMethod' => ['type' => 'WALLET'], 'reference' => $order['id'], 'userFlow' => 'WEB_REDIRECT',
                'returnUrl' => 'https://shop.example/thanks', 'paymentDescription' => $order['description'],
            ], "create-{$order['id']}");
            $row = ['reference' => $order['id'], 'currency' => $order['currency'], 'status' => 'open', 'captured' => 0,
                'rest' => 0, 'over' => false, 'wanted' => false, 'key' => '', 'not_before' => 0];
            if ($status !== 201 && !look($row)) {
                throw new NotDone("the payment was not made: $status");
            }
            $db['orders'][$order['id']] = $row;
            $answer = ['reference' => $order['id']];
            break;
        case 'cancel':
            $row['wanted'] = true;
            settle($row, $now);
            if (!$row['over']) {
                throw new NotDone('it is not cancelled yet');
            }
            break;
        case 'capture':
            $before = look($row) ? $row['captured'] : throw new NotDone('its payment cannot be read');
            if ($row['wanted'] || $row['rest'] < $ask['amount']) {
                throw new NotDone('there is not so much reserved');
            }
            $money = ['modificationAmount' => ['currency' => $row['currency'], 'value' => $ask['amount']]];
            call('POST', "/{$row['reference']}/capture", $money, "capture-$before-{$row['reference']}");
            if (!look($row) || $row['captured'] < $before + $ask['amount']) {
                throw new NotDone('it is not captured yet');
            }
            break;
        case 'tick':
            $db['ahead'] = max(0, (float) (new DateTime($ask['now']))->format('U.u') - microtime(true));
            $now = microtime(true) + $db['ahead'];
            foreach ($db['orders'] as &$each) {
                $each['over'] || settle($each, $now);
            }
            break;
        case 'deliver':
            $named = $ask['body']['reference'] ?? '';
            isset($db['orders'][$named]) && look($db['orders'][$named]);
            break;
        case 'local_view':
            $status = $row['wanted'] && !$row['over'] && $row['status'] !== 'captured' ? 'cancelling' : $row['status'];
            $answer = ['status' => $status, 'captured' => $row['captured'], 'reference' => $row['reference']];
            break;
        default:
            throw new NotDone("there is no $action");
    }
} catch (NotDone $trouble) {
    http_response_code(500);
    $answer = ['error' => $trouble->getMessage()];
}
save();
header('Content-Type: application/json');
echo json_encode($answer ?? new stdClass());
